import type { Command } from 'commander';
import type { Act } from '../act';
import { addReservationChanges } from './reservations/changes';
import { addReservationClaim } from './reservations/claim';
import { addReservationLists } from './reservations/lists';
import { addReservationRequests } from './reservations/requests';

export function addReservations(program: Command, act: Act): void {
  const noun = program.command('reservations').alias('reservation').description('machines for a time to come');
  for (const add of [addReservationLists, addReservationRequests, addReservationChanges, addReservationClaim]) add(noun, act);
}
