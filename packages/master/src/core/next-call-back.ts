import type { EpochMs } from '@paravcl/shared/clock';
import { longestLeadMs, wantingSlots } from './call-backs';
import type { SlaveNow } from './room-now';
import type { Rules, SlaveView } from './snapshot';

/** When a slave's slots want something next, for as long as nobody begins or ends to run there. */
export interface NextCallBack {
  /** The first start of a slot; Infinity: none wants its room. */
  readonly start: EpochMs;
  /** Nobody has to be told longer before it, whoever it will be. */
  readonly leadMs: number;
  /** When to look again; Infinity: never. */
  readonly dueAt: EpochMs;
  /** It is so from then on: before it other slots are within their grace. */
  readonly from: EpochMs;
}

/** Of a slave on which slots cannot be called back for now, that `recall` changes nothing and says `dueAt`: while `callBackIsFar`. */
export function nextCallBack(slave: SlaveNow, at: EpochMs, rules: Rules): NextCallBack {
  const { bookings } = slave.view;
  if (bookings.length === 0 || !canServe(slave.view)) return never;
  const wanting = new Set(wantingSlots(slave, at, rules));
  let [start, from] = [Infinity, -Infinity];
  for (const slot of bookings) {
    const graceEnds = Math.min(slot.end, slot.start + rules.noShowGraceMs);
    if (wanting.has(slot)) start = Math.min(start, slot.start);
    else if (graceEnds <= at) from = Math.max(from, graceEnds);
  }
  const leadMs = longestLeadMs(slave, rules);
  return { start, leadMs, dueAt: start - leadMs, from };
}

/** Whoever claims elsewhere would be refused: nobody goes for a slot that its slave cannot serve. */
const canServe = ({ admission, liveness, hypervisor }: SlaveView): boolean => admission === 'approved' && liveness !== 'lost' && hypervisor.usable;

/** Nothing is new of what `nextCallBack` looks at. */
export function callsBackAsBefore(before: SlaveView, now: SlaveView): boolean {
  return before.bookings === now.bookings && before.running === now.running && before.saveMiBPerSecond === now.saveMiBPerSecond && canServe(before) === canServe(now);
}

/** No slot will want its room there, whatever the time. */
export const never: NextCallBack = { start: Infinity, leadMs: 0, dueAt: Infinity, from: -Infinity };

/** `recall` has nothing to do yet. */
export function callBackIsFar({ start, leadMs, from }: NextCallBack, at: EpochMs): boolean {
  return start > at + leadMs && at >= from;
}
