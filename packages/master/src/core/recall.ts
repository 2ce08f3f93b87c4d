import type { EpochMs } from '@paravcl/shared/clock';
import { callBacks, longestLeadMs, wantingSlots, type CallBack } from './call-backs';
import { joined, unnominated, vacating, type SlaveNow } from './room-now';
import { leadMs } from './save-time';
import type { Booking, Room, Rules, RunningInstance } from './snapshot';
import type { Victim } from './victims';

/** What reservations make of one slave now. */
export interface Recall {
  /** The slave with what is held and who was told to go. */
  readonly slave: SlaveNow;
  readonly victims: readonly Victim[];
  /** When to look again though nothing has happened: the next recall, or the end of a grace. */
  readonly dueAt: EpochMs | null;
}

/**
 * Calls lent room back in time. For every start of a slot that comes, nearest first:
 * 1. take the slots that will want their room by then: begun, within the grace, and nobody runs in them yet;
 * 2. find the smallest set of best-effort that has to go for them;
 * 3. they must begin to go `lead` before the start, which is what saving them takes, as measured, with safety;
 * 4. is that now or past: the room of these slots is held and the set goes; else that is when to look again.
 * A window that has begun is held until its grace is over; after that its room is lent again, and a late claim takes it
 * back as one that outranks all best-effort (`preempt`).
 */
export function recall(slave: SlaveNow, at: EpochMs, rules: Rules): Recall {
  const wanting = wantingSlots(slave, at, rules);
  const farthest = longestLeadMs(slave, rules);
  const dueAt: EpochMs[] = wanting.filter(({ start }) => start <= at).map(({ start, end }) => Math.min(end, start + rules.noShowGraceMs));
  // Beyond that nobody has to be told yet, whoever it will be.
  const beyond = wanting.map(({ start }) => start).filter((start) => start > at + farthest);
  if (beyond.length > 0) dueAt.push(Math.min(...beyond) - farthest);
  let now: SlaveNow = slave;
  let victims: readonly Victim[] = [];
  for (const { slots, victims: all, tellAt } of callBacks(slave, at, rules, at + farthest)) {
    if (tellAt > at) {
      dueAt.push(tellAt);
      continue;
    }
    // One that may be told only from midnight on is told then.
    const later = all.flatMap(({ instance: { sparedUntil } }) => (sparedUntil !== null && sparedUntil > at ? sparedUntil : []));
    const chosen = all.filter(({ instance: { sparedUntil } }) => sparedUntil === null || sparedUntil <= at);
    dueAt.push(...later);
    now = vacating({ ...now, held: [...new Set([...now.held, ...slots])] }, chosen.map(({ instance }) => instance), null);
    victims = [...victims, ...chosen];
  }
  return { slave: now, victims, dueAt: dueAt.length === 0 ? null : Math.min(...dueAt) };
}

/** Why reserved room is not one's own until the end. */
export interface Kept {
  readonly booking: Booking;
  /** When its window begins. */
  readonly from: EpochMs;
  /** When the room would have to be called back, to be there by then; past when that were too late already. */
  readonly recalledAt: EpochMs;
  /** Everything that wants room then. */
  readonly slots: readonly Booking[];
}

/** One that would begin to run on a slave. */
export interface Newcomer {
  readonly id: string;
  readonly type: 'BE' | 'AR';
  readonly need: Room;
  /** Infinity: everybody else goes first; -Infinity: it does. */
  readonly pi: number;
  readonly endsAt: EpochMs | null;
  /** Nobody suspends it again today. */
  readonly spared: boolean;
}

/**
 * Looks ahead along the starts of slots as if the newcomer ran here: whether it would be called back for one of them
 * before its end, or stand in its way, or bring it about that others are told too late. Null when nothing of that is so.
 */
export function keptFrom(slave: SlaveNow, newcomer: Newcomer, at: EpochMs, rules: Rules): Kept | null {
  const { id, endsAt } = newcomer;
  if (isOverBefore(slave, newcomer, at, rules)) return null;
  const instance: RunningInstance = {
    ...newcomer,
    name: id, userId: '', groupId: null, generation: 0, observed: 'booting', since: at, leaving: false,
    sparedUntil: newcomer.spared ? Infinity : null,
  };
  // Room that it waits for would be counted twice.
  const alone = unnominated(slave, id);
  const beside = joined(alone, instance);
  // Beyond its end only those matter who would have to be told by now.
  const latest = Math.max(endsAt ?? Infinity, at + 2 * longestLeadMs(beside, rules));
  let without: ReadonlyMap<EpochMs, CallBack> | null = null;
  for (const callBack of callBacks(beside, at, rules, latest, id)) {
    const { start, slots, tellAt } = callBack;
    const booking = slots.at(-1);
    if (booking === undefined) continue;
    const goes = (endsAt === null || start < endsAt) && callBack.victims.some((victim) => victim.instance === instance);
    if (!goes && !callBack.short && tellAt >= at) continue;
    without ??= new Map(callBacks(alone, at, rules, latest).map((one) => [one.start, one]));
    if (goes || inTheWay(callBack, without.get(start), at)) return { booking, from: start, recalledAt: tellAt, slots };
  }
  return null;
}

/** Even with what would have to be told by its end, no slot comes into play: what all of it is looked at for then is nothing. */
function isOverBefore(slave: SlaveNow, { endsAt, need }: Newcomer, at: EpochMs, rules: Rules): boolean {
  const next = slave.view.bookings.reduce((soonest, { start, end }) => (at < end && start < soonest ? start : soonest), Infinity);
  if (next === Infinity) return true;
  return endsAt !== null && next > endsAt && next > at + 2 * (longestLeadMs(slave, rules) + leadMs([need.ramMiB], slave.view.saveMiBPerSecond, rules));
}

/** The start has less room, or less time to make it, than it would have without the newcomer. */
function inTheWay(beside: CallBack, without: CallBack | undefined, at: EpochMs): boolean {
  if (without === undefined) return false;
  return (beside.short && !without.short) || (beside.tellAt < at && beside.tellAt < without.tellAt);
}
