import type { EpochMs } from '@paravcl/shared/clock';
import type { Decision as StoredDecision } from '@paravcl/shared/domain/decision';
import { admit } from './admit';
import { rehome } from './rehome';
import type { HeldReservation, ReservationRequest, SlotOnSlave } from './reservation-request';
import type { Snapshot } from './snapshot';

/** What a decision about a reservation was made of, as it is kept. */
export interface ReservationInputs {
  readonly at: EpochMs;
  readonly world: Snapshot;
  readonly held: readonly HeldReservation[];
  /** Null: slots on slaves that do not count any more were booked over to others. */
  readonly request: ReservationRequest | null;
}

/** How many of the chosen slaves a decision names. */
const topSlaves = 10;

/** The chosen slaves, the one with most of the machines first. A decision names the first few. */
export function machinesBySlave(bookings: readonly SlotOnSlave[]): readonly (readonly [slaveId: string, machines: number])[] {
  const machines = new Map<string, number>();
  for (const { slaveId } of bookings) machines.set(slaveId, (machines.get(slaveId) ?? 0) + 1);
  return [...machines].sort(([a, inA], [b, inB]) => inB - inA || (a < b ? -1 : 1)).slice(0, topSlaves);
}

/** What was decided about one reservation: what a record of it tells. */
interface Outcome {
  readonly kind: StoredDecision['kind'];
  readonly machines: readonly (readonly [string, number])[];
}

/**
 * Whether each of these records is what `admit`, or `rehome`, decides of the same inputs now; in their order. Neither
 * looks at the policies of the queue, so another policy would change nothing for them.
 */
export function replayReservation(inputs: ReservationInputs, decided: readonly StoredDecision[]): readonly boolean[] {
  const again = inputs.request === null ? rehomedAgain(inputs) : admittedAgain(inputs, inputs.request);
  return decided.map(({ kind, subject, candidates: { top } }) => {
    const outcome = again.get(subject.id);
    const machines = top.map(({ slaveId, parts }) => `${slaveId}:${String(parts['machines'])}`);
    return outcome?.kind === kind && machines.join() === outcome.machines.map(([slaveId, count]) => `${slaveId}:${String(count)}`).join();
  });
}

function admittedAgain({ world, held, at }: ReservationInputs, request: ReservationRequest): ReadonlyMap<string, Outcome> {
  const admission = admit(world, held, request, at);
  if (admission.kind === 'refused') return new Map([[request.id, { kind: 'refuse', machines: [] }]]);
  return new Map<string, Outcome>([
    [request.id, { kind: 'reserve', machines: machinesBySlave(admission.bookings) }],
    ...admission.moves.map(({ reservationId, bookings }) => [reservationId, { kind: 'move', machines: machinesBySlave(bookings) }] as const),
  ]);
}

function rehomedAgain({ world, held, at }: ReservationInputs): ReadonlyMap<string, Outcome> {
  return new Map(rehome(world, held, at).filter(({ slots }) => slots.length > 0).map(({ reservation, slots }) => [reservation.id, { kind: 'reserve', machines: machinesBySlave(slots.map(({ slot, to }) => ({ slot, slaveId: to }))) }]));
}
