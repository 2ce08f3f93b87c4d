import type { EpochMs } from '@paravcl/shared/clock';
import { leadMs } from './save-time';
import { add, compute, noRoom, subtract, within, type Booking, type Room, type Rules } from './snapshot';
import { vacating, type SlaveNow } from './room-now';
import { freedBy, smallestSet, suspendableOn, type Victim } from './victims';

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
  const wanting = slave.view.bookings.filter(({ start, end, instanceId }) => at < Math.min(end, start + rules.noShowGraceMs) && !slave.view.running.some(({ id }) => id === instanceId));
  const graces = wanting.filter(({ start }) => start <= at).map(({ start, end }) => Math.min(end, start + rules.noShowGraceMs));
  const starts = [...new Set(wanting.map(({ start }) => Math.max(at, start)))].sort((a, b) => a - b);
  const dueAt: EpochMs[] = [...graces];
  let now: SlaveNow = slave;
  let victims: readonly Victim[] = [];
  for (const start of starts) {
    const slots = wanting.filter((slot) => slot.start <= start && start < Math.min(slot.end, slot.start + rules.noShowGraceMs));
    const chosen = toGoFor(now, slots, start, at, rules);
    const begin = start - leadMs(chosen.map(savedMiB), slave.view.saveMiBPerSecond, rules);
    if (begin > at) {
      dueAt.push(begin);
      continue;
    }
    now = vacating({ ...now, held: [...new Set([...now.held, ...slots])] }, chosen.map(({ instance }) => instance), null);
    victims = [...victims, ...chosen];
  }
  return { slave: now, victims, dueAt: dueAt.length === 0 ? null : Math.min(...dueAt) };
}

/** RAM that has to be written before its room is free; nothing of one that has not booted. */
const savedMiB = ({ instance }: Victim): number => (instance.observed === 'preparing' ? 0 : instance.need.ramMiB);

/**
 * Best-effort that has to go so that these slots have their room at `start`. Those whose time is over well before go by
 * themselves; those whose time is over just then would be saved too late, so they go first, and only then others.
 */
function toGoFor(slave: SlaveNow, slots: readonly Booking[], start: EpochMs, at: EpochMs, rules: Rules): readonly Victim[] {
  const { capacity, saveMiBPerSecond } = slave.view;
  const wanted = slots.map(({ need }) => compute(need)).reduce(add, noRoom);
  const endsBy = (moment: EpochMs) => (victim: Victim): boolean => victim.instance.endsAt !== null && victim.instance.endsAt <= moment - leadMs([savedMiB(victim)], saveMiBPerSecond, rules);
  const all = suspendableOn(slave, at);
  const over = all.filter(endsBy(start));
  const ending = all.filter((victim) => !over.includes(victim) && victim.instance.endsAt !== null && victim.instance.endsAt <= start);
  const others = all.filter((victim) => !over.includes(victim) && !ending.includes(victim));
  const gone = add(slave.freeing, freedBy(over));
  const fits = (freed: Room): boolean => within(add(compute(slave.promised), wanted), add(add(compute(capacity), gone), freed));
  // When not even all of them make room (a host that lost cores), all go: the nearest to the promise there is.
  const chosen = smallestSet(others, at, (freed) => fits(add(freed, freedBy(ending)))) ?? others;
  return [...chosen, ...(smallestSet(ending, at, (freed) => fits(add(freed, freedBy(chosen)))) ?? ending)];
}

/** When reserved room would be called back from one that begins to run here now; null when nothing is in its way until it ends. */
export interface Kept {
  readonly booking: Booking;
  /** When its window begins. */
  readonly from: EpochMs;
  /** When it would have to begin to go, to be saved by then. */
  readonly recalledAt: EpochMs;
}

/**
 * Looks ahead along the starts of slots: at each, what is reserved, what else cannot be suspended, and what outranks
 * the newcomer (it would go first) must leave room for it.
 *
 * @param outranked what of the best-effort there would go before it; they do not count
 */
export function keptFrom(
  slave: SlaveNow,
  newcomer: { readonly id: string; readonly need: Room; readonly endsAt: EpochMs | null; readonly outranks: (pi: number) => boolean },
  at: EpochMs,
  rules: Rules,
): Kept | null {
  const { bookings, capacity, saveMiBPerSecond } = slave.view;
  const slots = bookings.filter(({ instanceId }) => instanceId !== newcomer.id);
  const need = compute(newcomer.need);
  for (const start of [...new Set(slots.filter(({ end }) => end > at).map((slot) => Math.max(at, slot.start)))].sort((a, b) => a - b)) {
    if (newcomer.endsAt !== null && newcomer.endsAt <= start) return null;
    const reserved = slots.filter((slot) => slot.start <= start && start < slot.end && !lentAgain(slave, slot, start, rules));
    const staying = slave.running.filter(
      ({ id, type, endsAt, pi, sparedUntil }) =>
        id !== newcomer.id &&
        (endsAt === null || endsAt > start) &&
        (type === 'AR' ? !reserved.some(({ instanceId }) => instanceId === id) : !newcomer.outranks(pi) || (sparedUntil !== null && sparedUntil > start)),
    );
    const taken = [...reserved, ...staying].map((one) => compute(one.need)).reduce(add, noRoom);
    const booking = reserved.at(-1);
    if (booking === undefined || within(need, subtract(compute(capacity), taken))) continue;
    return { booking, from: start, recalledAt: start - leadMs([need.ramMiB], saveMiBPerSecond, rules) };
  }
  return null;
}

/** Nobody came within the grace, so its room is lent again: only a claim calls it back. */
function lentAgain(slave: SlaveNow, slot: Booking, at: EpochMs, { noShowGraceMs }: Rules): boolean {
  return at >= slot.start + noShowGraceMs && !slave.view.running.some(({ id }) => id === slot.instanceId);
}
