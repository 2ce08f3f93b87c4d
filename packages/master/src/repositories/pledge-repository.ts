import type { EpochMs } from '@paravcl/shared/clock';
import type { Knex } from 'knex';

/** A machine that somebody promised with a request: it counts as lent until `untilAt`, and after that if it came. */
export interface PledgeRecord {
  readonly id: string;
  readonly userId: string;
  /** With which the machine enrols. */
  readonly joinTokenId: string;
  readonly madeAt: EpochMs;
  readonly untilAt: EpochMs;
  readonly state: 'open' | 'kept' | 'broken';
}

interface PledgeRow {
  readonly id: string;
  readonly user_id: string;
  readonly join_token_id: string;
  readonly made_at: Date;
  readonly until_at: Date;
  readonly state: PledgeRecord['state'];
}

const columns = ['id', 'user_id', 'join_token_id', 'made_at', 'until_at', 'state'] as const satisfies readonly (keyof PledgeRow)[];

const fromRow = (row: PledgeRow): PledgeRecord => ({
  id: row.id,
  userId: row.user_id,
  joinTokenId: row.join_token_id,
  madeAt: row.made_at.getTime(),
  untilAt: row.until_at.getTime(),
  state: row.state,
});

/** Promises of machines, and what became of them. */
export class PledgeRepository {
  constructor(private readonly db: Knex) {}

  /** It is open. */
  async insert(pledge: Omit<PledgeRecord, 'state'>): Promise<void> {
    await this.db('pledges').insert({
      id: pledge.id,
      user_id: pledge.userId,
      join_token_id: pledge.joinTokenId,
      made_at: new Date(pledge.madeAt),
      until_at: new Date(pledge.untilAt),
      state: 'open',
    });
  }

  /** Newest first. */
  async ofUser(userId: string): Promise<readonly PledgeRecord[]> {
    return (await this.db<PledgeRow>('pledges').where({ user_id: userId }).orderBy('id', 'desc').select(...columns)).map(fromRow);
  }

  /** Those not ended yet, oldest first. */
  async open(): Promise<readonly PledgeRecord[]> {
    return (await this.db<PledgeRow>('pledges').where({ state: 'open' }).orderBy('id').select(...columns)).map(fromRow);
  }

  /** False when it had ended before. */
  async end(id: string, state: 'kept' | 'broken'): Promise<boolean> {
    return (await this.db('pledges').where({ id, state: 'open' }).update({ state })) === 1;
  }
}
