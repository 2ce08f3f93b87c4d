import type { Knex } from 'knex';
import { CommandRepository } from './command-repository';
import { EventRepository } from './event-repository';
import { JoinTokenRepository } from './join-token-repository';
import { SlaveRepository } from './slave-repository';
import { IdempotencyRepository } from './idempotency-repository';
import { SettingRepository } from './setting-repository';

/** Every repository over one connection or transaction. One method, one query; domain objects in and out. */
export interface Repositories {
  readonly events: EventRepository;
  readonly slaves: SlaveRepository;
  readonly joinTokens: JoinTokenRepository;
  readonly commands: CommandRepository;
  readonly idempotencyKeys: IdempotencyRepository;
  readonly settings: SettingRepository;
}

export function makeRepositories(db: Knex): Repositories {
  return {
    events: new EventRepository(db),
    slaves: new SlaveRepository(db),
    joinTokens: new JoinTokenRepository(db),
    commands: new CommandRepository(db),
    idempotencyKeys: new IdempotencyRepository(db),
    settings: new SettingRepository(db),
  };
}
