import type { Knex } from 'knex';
import { EventRepository } from './event-repository';
import { IdempotencyRepository } from './idempotency-repository';
import { SettingRepository } from './setting-repository';

/** Every repository over one connection or transaction. One method, one query; domain objects in and out. */
export interface Repositories {
  readonly events: EventRepository;
  readonly idempotencyKeys: IdempotencyRepository;
  readonly settings: SettingRepository;
}

export function makeRepositories(db: Knex): Repositories {
  return {
    events: new EventRepository(db),
    idempotencyKeys: new IdempotencyRepository(db),
    settings: new SettingRepository(db),
  };
}
