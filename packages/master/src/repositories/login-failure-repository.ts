import type { EpochMs } from '@paravcl/shared/clock';
import { newId } from '@paravcl/shared/ids';
import type { Knex } from 'knex';

export class LoginFailureRepository {
  constructor(private readonly db: Knex) {}

  async insert(userName: string, clientAddress: string, now: EpochMs): Promise<void> {
    await this.db('login_failures').insert({ id: newId(now), user_name: userName, client_address: clientAddress, at: new Date(now) });
  }

  /** Times of the newest failures under a name since then, newest first, at most `limit`. */
  async ofName(userName: string, since: EpochMs, limit: number): Promise<readonly EpochMs[]> {
    return times(await this.db('login_failures').where('user_name', userName).where('at', '>', new Date(since)).orderBy('at', 'desc').limit(limit).pluck('at'));
  }

  /** The same from an address, whatever the names. */
  async ofAddress(clientAddress: string, since: EpochMs, limit: number): Promise<readonly EpochMs[]> {
    return times(await this.db('login_failures').where('at', '>', new Date(since)).where('client_address', clientAddress).orderBy('at', 'desc').limit(limit).pluck('at'));
  }

  async deleteOfName(userName: string): Promise<void> {
    await this.db('login_failures').where('user_name', userName).delete();
  }

  /** At most `limit`; says how many. */
  async deleteBefore(before: EpochMs, limit: number): Promise<number> {
    return this.db('login_failures').where('at', '<', new Date(before)).limit(limit).delete();
  }
}

const times = (found: unknown): EpochMs[] => (found as Date[]).map((at) => at.getTime());
