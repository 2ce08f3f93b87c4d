import type { ReservationAnswer } from '@paravcl/shared/api/reservations';
import type { EpochMs } from '@paravcl/shared/clock';
import type { Offer } from '@paravcl/shared/domain/decision';
import { newId } from '@paravcl/shared/ids';
import { machinesBySlave } from '../core/replay-reservation';
import type { Admission, Move, ReservationOffer, SlotOnSlave } from '../core/reservation-request';
import { fit } from '../core/say';
import type { DecisionRecord } from '../repositories/decision-rows';
import type { ReservationRecord } from '../core/reservation-record';

const iso = (at: EpochMs): string => new Date(at).toISOString();

type Subject = Pick<ReservationRecord, 'id' | 'userId' | 'groupId' | 'priority'>;

/** What every decision of one admission shares. */
export interface DecidedBy {
  readonly at: EpochMs;
  /** How many slaves were asked. */
  readonly considered: number;
  /** "para/para" */
  readonly policy: string;
  readonly inputsHash: string;
}

export function offerView({ kind, start, end, count, vcpus }: ReservationOffer): Offer {
  return { kind, start: iso(start), end: iso(end), count, vcpus, vcpusEach: vcpus / count };
}

/** The weaker ones that give way, as people see it; nobody for what was refused. */
export function movesView(admission: Admission): ReservationAnswer['moves'] {
  return admission.kind === 'refused' ? [] : admission.moves.map(({ reservationId, from, to }) => ({ reservationId, from: iso(from.start), to: iso(to.start) }));
}

/** The decision about a request: `reserve` or `refuse`. */
export function admissionDecision(subject: Subject, admission: Admission, sentence: string, by: DecidedBy): DecisionRecord {
  const about = common(subject, sentence, by);
  if (admission.kind === 'admitted') return { ...about, kind: 'reserve', ...candidates(by, admission.bookings) };
  const refused = by.considered === 0 ? [] : [{ reason: admission.reason.code, count: by.considered }];
  return { ...about, kind: 'refuse', candidates: { considered: by.considered, reasons: refused, top: [] }, offers: admission.offers.map(offerView) };
}

/** The decision about a weaker one that gave way. */
export function moveDecision(moved: Subject, move: Move, sentence: string, by: DecidedBy): DecisionRecord {
  return { ...common(moved, sentence, by), kind: 'move', ...candidates(by, move.bookings) };
}

/** The decision to book slots over to other slaves, since theirs do not count any more. */
export function rehomedDecision(subject: Subject, bookings: readonly SlotOnSlave[], sentence: string, by: DecidedBy): DecisionRecord {
  return { ...common(subject, sentence, by), kind: 'reserve', ...candidates(by, bookings) };
}

function common({ id, userId, groupId, priority }: Subject, sentence: string, { at, policy, inputsHash }: DecidedBy) {
  return { id: newId(at), at: iso(at), subject: { type: 'reservation', id } as const, userId, groupId, sentence: fit(sentence), priority, policy, inputsHash };
}

/** The chosen slaves, the one with most of the machines first; `score` is its place among them. */
function candidates({ considered }: DecidedBy, bookings: readonly SlotOnSlave[]) {
  const chosen = machinesBySlave(bookings);
  const top = chosen.map(([slaveId, count], place) => ({ slaveId, score: place, parts: { machines: count } }));
  const [only] = chosen;
  return { candidates: { considered, reasons: [], top }, ...(chosen.length === 1 && only !== undefined ? { chosen: { slaveId: only[0] } } : {}) };
}
