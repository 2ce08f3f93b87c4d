import type { Knex } from 'knex';
import { EventRepository } from './event-repository';

/** Every repository over one connection or transaction. One method, one query; domain objects in and out. */
export interface Repositories {
  readonly events: EventRepository;
}

export function makeRepositories(db: Knex): Repositories {
  return {
    events: new EventRepository(db),
  };
}
