import type { EpochMs } from '@paravcl/shared/clock';
import { countWithin, type Lease, type Timeline, type Window } from './calendar';
import { LeastFirst } from './least-first';
import type { FixedSlot, SlotOnSlave } from './reservation-request';
import { reservable, slaveTimeline } from './slave-timeline';
import { add, beyondDisk, subtract, type Room, type SlaveView } from './snapshot';
import { compareText } from './compare-text';

/** A slave with what is taken of it through time. */
export interface BookedSlave {
  readonly id: string;
  readonly name: string;
  readonly volunteer: boolean;
  /** Whether it takes slots that it does not have yet; one that is being drained only keeps what is fixed to it. */
  readonly takesNew: boolean;
  readonly timeline: Timeline;
}

/** The pool's calendar, by slave id. */
export type Calendar = ReadonlyMap<string, BookedSlave>;

/** Identical VMs that are to be packed into one window. */
export interface Parcel {
  readonly window: Window;
  readonly need: Room;
  /** Numbers of the slots that may go anywhere. */
  readonly slots: readonly number[];
  readonly fixed: readonly FixedSlot[];
}

export interface Packed {
  readonly bookings: readonly SlotOnSlave[];
  /** The calendar with them in it. */
  readonly calendar: Calendar;
}

/** A lease on one slave. */
export type LeaseOnSlave = Lease & { readonly slaveId: string };

/** The calendar as it stands, without the slots of the reservations `except`; only what overlaps `span`, for who asks about no more. */
export function calendarOf(slaves: readonly SlaveView[], at: EpochMs, except?: ReadonlySet<string>, span?: Window): Calendar {
  return new Map(slaves.map((slave) => [slave.id, { id: slave.id, name: slave.name, volunteer: slave.kind === 'volunteer', takesNew: reservable(slave), timeline: slaveTimeline(slave, at, except, span) }]));
}

/** How many VMs of this size the pool takes for the whole window, nobody giving way; stops counting at `enough`. */
export function mostFitting(calendar: Calendar, window: Window, need: Room, enough = Infinity): number {
  let count = 0;
  for (const { takesNew, timeline } of calendar.values()) {
    if (takesNew) count += timeline.countFitting(window, need);
    if (count >= enough) break;
  }
  return count;
}

/** Slots are numbered from 1. */
export function slotNumbers(count: number): readonly number[] {
  return Array.from({ length: count }, (_, slot) => slot + 1);
}

/** How many the slaves that count could hold if nothing ran there and nothing was booked. */
export function mostInEmptyPool(slaves: readonly SlaveView[], need: Room): number {
  return slaves.filter(reservable).reduce((sum, { capacity }) => sum + countWithin(need, capacity), 0);
}

/**
 * Gives every slot its slave, or answers null when one has none: all or nothing.
 * 1. Fixed slots stay where they are, if they fit there, and their disk is nobody else's after their present end.
 * 2. The others are as many VMs as each slave fits for the whole window, whichever slot is whose: VMs of one size on slaves
 *    that do not depend on each other, so that whatever fits at all is found.
 * 3. One after the other goes to the slave that comes first: dedicated before volunteers, then with the fewest cores
 *    promised in that window, then by name, then by id.
 */
export function pack(calendar: Calendar, parcel: Parcel): Packed | null {
  const { window, need, slots, fixed } = parcel;
  const kept = keepFixed(calendar, parcel);
  if (kept === null) return null;
  const open = [...kept.values()].filter(({ takesNew }) => takesNew).map((slave) => openSlave(slave, window, need)).filter(({ left }) => left > 0);
  if (open.reduce((sum, { left }) => sum + left, 0) < slots.length) return null;
  const chosen: SlotOnSlave[] = [];
  const inOrder = new LeastFirst(open, compareOpen);
  for (const slot of slots) {
    const best = inOrder.least;
    best.left--;
    best.usedCores += need.vcpus;
    chosen.push({ slot, slaveId: best.id });
    inOrder.leastChanged(best.left > 0);
  }
  const bookings = [...fixed.map(({ slot, slaveId }) => ({ slot, slaveId })), ...chosen].sort((a, b) => a.slot - b.slot);
  return { bookings, calendar: occupy(kept, chosen.map(({ slaveId }) => ({ ...window, need, slaveId }))) };
}

/** Room that is left on a slave while slots are given out. */
interface OpenSlave {
  readonly id: string;
  readonly name: string;
  readonly volunteer: boolean;
  left: number;
  usedCores: number;
}

function openSlave({ id, name, volunteer, timeline }: BookedSlave, window: Window, need: Room): OpenSlave {
  const taken = timeline.mostTaken(window);
  return { id, name, volunteer, left: countWithin(need, subtract(timeline.capacity, taken)), usedCores: taken.vcpus };
}

function compareOpen(a: OpenSlave, b: OpenSlave): number {
  return Number(a.volunteer) - Number(b.volunteer) || a.usedCores - b.usedCores || compareText(a.name, b.name) || compareText(a.id, b.id);
}

function keepFixed(calendar: Calendar, { window, need, fixed }: Parcel): Calendar | null {
  // How fast its slave is was asked when it was given the slot.
  const asked = { ...need, speed: undefined };
  const leases = together(fixed.map(({ slaveId, promisedDiskMiB }) => ({ ...window, need: beyondDisk(asked, promisedDiskMiB), slaveId })));
  if (!leases.every((lease) => calendar.get(lease.slaveId)?.timeline.fits(window, lease.need) === true)) return null;
  const kept = occupy(calendar, leases);
  return fixed.every((slot) => diskMayStay(kept, slot, window)) ? kept : null;
}

/** Disk that is promised was to come back at the slot's present end; who is booked after that may need it. */
function diskMayStay(kept: Calendar, { slaveId, heldUntil }: FixedSlot, { start, end }: Window): boolean {
  const longer = { start: Math.max(start, heldUntil), end };
  return longer.start >= end || (kept.get(slaveId)?.timeline.freeDuring(longer).diskMiB ?? 0) >= 0;
}

/** The calendar with these leases in it, whether they fit or not. */
export function occupy(calendar: Calendar, leases: readonly LeaseOnSlave[]): Calendar {
  return changed(calendar, leases, (timeline, lease) => timeline.withLease(lease));
}

/** The calendar without these leases, which are in it. */
export function vacate(calendar: Calendar, leases: readonly LeaseOnSlave[]): Calendar {
  return changed(calendar, leases, (timeline, lease) => timeline.withoutLease(lease));
}

function changed(calendar: Calendar, leases: readonly LeaseOnSlave[], change: (timeline: Timeline, lease: Lease) => Timeline): Calendar {
  if (leases.length === 0) return calendar;
  const after = new Map(calendar);
  for (const lease of together(leases)) {
    const slave = after.get(lease.slaveId);
    if (slave !== undefined) after.set(slave.id, { ...slave, timeline: change(slave.timeline, lease) });
  }
  return after;
}

/** VMs on one slave in one window are one lease of all of them, so that a timeline is made anew once. */
function together(leases: readonly LeaseOnSlave[]): readonly LeaseOnSlave[] {
  const merged = new Map<string, LeaseOnSlave>();
  for (const lease of leases) {
    const key = `${lease.slaveId} ${lease.start} ${lease.end}`;
    const before = merged.get(key);
    merged.set(key, before === undefined ? lease : { ...lease, need: add(before.need, lease.need) });
  }
  return [...merged.values()];
}
