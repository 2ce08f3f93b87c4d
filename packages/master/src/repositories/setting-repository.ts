import { newId } from '@paravcl/shared/ids';
import type { EpochMs } from '@paravcl/shared/clock';
import type { Knex } from 'knex';
import { isDuplicateKey } from '../db/connection';

interface SettingRow {
  readonly name: string;
  readonly value: string;
}

/** Stands for the calendar: whoever changes what is reserved gives it another value (`services/calendar-lock`). */
export const calendarSetting = 'calendar';

/** What the site knows about itself, one value by name. */
export class SettingRepository {
  constructor(private readonly db: Knex) {}

  async find(name: string): Promise<string | null> {
    const row = await this.db<SettingRow>('settings').select('value').where({ name }).first();
    return row?.value ?? null;
  }

  /** Whoever else comes for this name in a transaction waits until this one's ends. */
  async put(name: string, value: string): Promise<void> {
    await this.db<SettingRow>('settings').insert({ name, value }).onConflict('name').merge(['value']);
  }

  async remove(name: string): Promise<void> {
    await this.db('settings').where({ name }).delete();
  }

  /** Answers the value under this name, which is `value` unless somebody else was first. */
  async putOnce(name: string, value: string): Promise<string> {
    try {
      await this.db<SettingRow>('settings').insert({ name, value });
      return value;
    } catch (error) {
      if (!isDuplicateKey(error)) throw error;
      const first = await this.find(name);
      if (first === null) throw new Error(`The setting ${name} was removed while it was read.`, { cause: error });
      return first;
    }
  }

  /**
   * Waits for whoever has written it in a transaction and keeps others from it until the transaction ends; many may share. Answers the
   * value that holds meanwhile. Only once the row is there.
   */
  async shareLock(name: string): Promise<string | null> {
    const row = await this.db<SettingRow>('settings').where({ name }).forShare().first('value');
    return row?.value ?? null;
  }

  /** The id of this site, made at the first call ever. It marks our domains on the slaves. */
  siteId(now: EpochMs): Promise<string> {
    return this.putOnce('site_id', newId(now));
  }
}
