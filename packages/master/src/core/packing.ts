import type { EpochMs } from '@paravcl/shared/clock';
import { countWithin, type Lease, type Timeline, type Window } from './calendar';
import { lazily } from './lazily';
import { LeastFirst } from './least-first';
import type { FixedSlot, SlotOnSlave } from './reservation-request';
import { bookedSlave, reservable, type BookedSlave } from './slave-timeline';
import { add, beyondDisk, type Room, type SlaveView } from './snapshot';
import { compareText } from './compare-text';

/** The pool's calendar. */
export interface Calendar {
  /** The slave of this id. */
  get(id: string): BookedSlave | undefined;
  values(): Iterable<BookedSlave>;
}

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
  const booked = slaves.map((slave) => bookedSlave(slave, at, except, span));
  // Whoever finds room for all at once looks nobody up by id.
  const byId = lazily(() => new Map(booked.map((slave) => [slave.id, slave])));
  return { get: (id) => byId().get(id), values: () => booked };
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

/** How many the slaves that count could hold if nothing ran there and nothing was booked; stops counting at `enough`. */
export function mostInEmptyPool(slaves: readonly SlaveView[], need: Room, enough = Infinity): number {
  let count = 0;
  for (const slave of slaves) {
    if (count >= enough) break;
    if (reservable(slave)) count += countWithin(need, slave.capacity);
  }
  return count;
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
  const open: OpenSlave[] = [];
  for (const slave of kept.values()) if (slave.takesNew) open.push({ slave, volunteer: slave.volunteer, left: null, usedCores: slave.timeline.mostCoresTaken(window) });
  const chosen: SlotOnSlave[] = [];
  const inOrder = new LeastFirst(open, compareOpen);
  for (const slot of slots) {
    const best = firstWithRoom(inOrder, window, need);
    if (best === null) return null;
    best.usedCores += need.vcpus;
    chosen.push({ slot, slaveId: best.slave.id });
    best.left--;
    inOrder.leastChanged(best.left > 0);
  }
  const bookings = [...fixed.map(({ slot, slaveId }) => ({ slot, slaveId })), ...chosen].sort((a, b) => a.slot - b.slot);
  const withThem = lazily(() => occupy(kept, chosen.map(({ slaveId }) => ({ ...window, need, slaveId }))));
  return { bookings, get calendar() { return withThem(); } };
}

/** Room that is left on a slave while slots are given out. */
interface OpenSlave {
  readonly slave: BookedSlave;
  /** The slave's own, here as all are compared by it. */
  readonly volunteer: boolean;
  /** How many more of them it takes; null before anybody asked. */
  left: number | null;
  usedCores: number;
}

/** The least that takes one more. Of the many that come after the last slot nobody asks how many they take. */
function firstWithRoom(inOrder: LeastFirst<OpenSlave>, window: Window, need: Room): (OpenSlave & { left: number }) | null {
  while (!inOrder.isEmpty) {
    const { least } = inOrder;
    const left = (least.left ??= least.slave.timeline.countFitting(window, need));
    if (left > 0) return least as OpenSlave & { left: number };
    inOrder.leastChanged(false);
  }
  return null;
}

function compareOpen(a: OpenSlave, b: OpenSlave): number {
  return Number(a.volunteer) - Number(b.volunteer) || a.usedCores - b.usedCores || compareText(a.slave.name, b.slave.name) || compareText(a.slave.id, b.slave.id);
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
  const after = calendar instanceof Map ? new Map<string, BookedSlave>(calendar) : new Map(Array.from(calendar.values(), (slave) => [slave.id, slave]));
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
