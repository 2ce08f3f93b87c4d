import type { EpochMs } from '@paravcl/shared/clock';
import { add, compute, noRoom, subtract, type Booking, type Room, type RunningInstance, type SlaveView, type Snapshot, type WaitingInstance } from './snapshot';

/**
 * One slave in the middle of a round: as it was loaded, and what the round has decided for it so far. Orders that were
 * given and not yet seen to be carried out are part of it, so that nothing is promised twice and nobody is suspended
 * twice for the same room.
 */
export interface SlaveNow {
  readonly view: SlaveView;
  /** Promised in all, placements of this round included. */
  readonly promised: Room;
  readonly poolAvailableMiB: number;
  /** Holds cores and RAM and should, placements of this round included: who is leaving, and who was chosen to leave in this round, is not among them. */
  readonly running: readonly RunningInstance[];
  /** Cores, RAM and bandwidth that come back by themselves: of who is leaving, and of what is only being cleaned away. */
  readonly freeing: Room;
  /** Slots whose room is not lent now: their window is near or has just begun, and nobody runs in them yet. */
  readonly held: readonly Booking[];
  /** What waits for others to be suspended here, by instance id. */
  readonly nominated: ReadonlyMap<string, Nominee>;
}

/** One that waits for others to be suspended. */
export type Nominee = Pick<WaitingInstance, 'id' | 'type' | 'need' | 'runMs'>;

/** Made once of each view: whoever plans again over a pool that hardly changed adds up only what did. */
export function slaveNow(view: SlaveView): SlaveNow {
  const known = made.get(view);
  if (known !== undefined) return known;
  const slave = make(view);
  made.set(view, slave);
  return slave;
}

const made = new WeakMap<SlaveView, SlaveNow>();

function make(view: SlaveView): SlaveNow {
  const running = view.running.some(({ leaving }) => leaving) ? view.running.filter(({ leaving }) => !leaving) : view.running;
  return {
    view,
    promised: view.promised,
    poolAvailableMiB: view.poolAvailableMiB,
    running,
    freeing: beyond(view.promised, running),
    held: [],
    nominated: nobody,
  };
}

const nobody: SlaveNow['nominated'] = new Map();

/** Cores, RAM and bandwidth that are promised and that none of these has. */
function beyond(promised: Room, running: readonly RunningInstance[]): Room {
  let { vcpus, ramMiB, bandwidthMbps } = promised;
  for (const { need } of running) {
    vcpus -= need.vcpus;
    ramMiB -= need.ramMiB;
    bandwidthMbps -= need.bandwidthMbps;
  }
  return atLeastNone({ vcpus, ramMiB, diskMiB: 0, bandwidthMbps });
}

/** Who asks for room: its own slot and its own nomination are not in its way. */
export type Asking = Pick<WaitingInstance, 'id' | 'type' | 'booking'>;

const heldRoom = (slave: SlaveNow, asking: Asking): Room =>
  slave.held.length === 0 ? noRoom : slave.held
    .filter(({ instanceId }) => instanceId !== asking.id)
    .map(({ need }) => compute(need))
    .reduce(add, noRoom);

/** What is reserved does not wait behind best-effort that waits; a nominee whose slot is held is not counted twice. */
const nominatedRoom = (slave: SlaveNow, asking: Asking): Room =>
  slave.nominated.size === 0 ? noRoom : [...slave.nominated.values()]
    .filter(({ id, type }) => id !== asking.id && (asking.type === 'BE' || type === 'AR') && !slave.held.some(({ instanceId }) => instanceId === id))
    .map(({ need }) => need)
    .reduce(add, noRoom);

/** Neither promised nor on anybody's disk; below 0 where more is promised than there is. */
export function unpromised(slave: SlaveNow): Room {
  const { speed } = slave.view.capacity;
  return speed === undefined ? amountLeft(slave) : { ...amountLeft(slave), speed };
}

/** How much that is, however fast. */
const amountLeft = ({ view: { capacity }, promised, poolAvailableMiB }: SlaveNow): Room => ({
  vcpus: capacity.vcpus - promised.vcpus,
  ramMiB: capacity.ramMiB - promised.ramMiB,
  diskMiB: Math.min(capacity.diskMiB - promised.diskMiB, poolAvailableMiB),
  bandwidthMbps: capacity.bandwidthMbps - promised.bandwidthMbps,
});

const atLeastNone = ({ vcpus, ramMiB, diskMiB, bandwidthMbps }: Room): Room => ({
  vcpus: Math.max(0, vcpus),
  ramMiB: Math.max(0, ramMiB),
  diskMiB: Math.max(0, diskMiB),
  bandwidthMbps: Math.max(0, bandwidthMbps),
});

const least = (a: Room, b: Room): Room => ({
  vcpus: Math.min(a.vcpus, b.vcpus),
  ramMiB: Math.min(a.ramMiB, b.ramMiB),
  diskMiB: Math.min(a.diskMiB, b.diskMiB),
  bandwidthMbps: Math.min(a.bandwidthMbps, b.bandwidthMbps),
});

/** Room that is there now and that nobody waits for, whatever is reserved. */
export function freeUnheld(slave: SlaveNow, asking: Asking): Room {
  // What comes back is never below nothing: only who waits for it can leave less than there is.
  return slave.nominated.size === 0 ? amountLeft(slave) : least(amountLeft(slave), unheldAfterLeaving(slave, asking));
}

/**
 * Room that is there now beside what is held. Held room has to be there in full: who is leaving may still be saved when
 * its slot begins.
 */
export function besideHeld(slave: SlaveNow, asking: Asking): Room {
  return least(freeUnheld(slave, asking), least(afterLeaving(slave, asking), subtract(unpromised(slave), heldRoom(slave, asking))));
}

/** Room once who is leaving is gone, with held slots and nominations left alone. */
export function afterLeaving(slave: SlaveNow, asking: Asking): Room {
  return subtract(unheldAfterLeaving(slave, asking), heldRoom(slave, asking));
}

/** Room once who is leaving is gone, whatever is reserved; below 0 where the slave still owes some. */
export function unheldAfterLeaving(slave: SlaveNow, asking: Asking): Room {
  const room = add(unpromised(slave), slave.freeing);
  return slave.nominated.size === 0 ? room : subtract(room, nominatedRoom(slave, asking));
}

/**
 * The most disk that slots on this slave will need at one moment to come, beyond what is on it already. Nothing for what
 * is reserved itself: the books have reckoned with its disk until its window ends, and with whose window ends before.
 */
export function bookedDiskMiB(slave: SlaveNow, asking: Asking): number {
  if (asking.type === 'AR' || slave.view.bookings.length === 0) return 0;
  const slots = slave.view.bookings.filter(({ need, instanceId }) => need.diskMiB > 0 && instanceId !== asking.id);
  // The sum only rises where a slot begins.
  return Math.max(0, ...slots.map(({ start }) => slots.filter((slot) => slot.start <= start && start < slot.end).reduce((sum, { need }) => sum + need.diskMiB, 0)));
}

/** It was promised its room here, and begins to run. */
export function promised(slave: SlaveNow, instance: WaitingInstance, at: EpochMs): SlaveNow {
  const { id, name, type, userId, groupId, generation, need, priority, runMs, boundTo, spared, deployment } = instance;
  const observed = boundTo === null ? 'preparing' : 'resuming';
  const endsAt = runMs === null ? null : at + runMs;
  const beside = joined(unnominated(slave, id), { id, name, type, userId, groupId, generation, need, observed, pi: priority.pi, since: at, endsAt, leaving: false, sparedUntil: spared ? Infinity : null, beginsFor: deployment?.id });
  return slave.held.length === 0 ? beside : { ...beside, held: slave.held.filter((slot) => slot.instanceId !== id) };
}

/** It waits for nobody here any more. */
export function unnominated(slave: SlaveNow, instanceId: string): SlaveNow {
  return slave.nominated.has(instanceId) ? { ...slave, nominated: new Map([...slave.nominated].filter(([id]) => id !== instanceId)) } : slave;
}

/** As if this one ran here, too. */
export function joined(slave: SlaveNow, instance: RunningInstance): SlaveNow {
  return {
    ...slave,
    promised: add(slave.promised, instance.need),
    // A new promise is not on the disk yet: it is taken off what the file system has, too.
    poolAvailableMiB: slave.poolAvailableMiB - instance.need.diskMiB,
    running: [...slave.running, instance],
  };
}

/** These were told to go, for the sake of `forWhom` (null: of held slots). */
export function vacating(slave: SlaveNow, victims: readonly RunningInstance[], forWhom: Nominee | null): SlaveNow {
  const ids = new Set(victims.map(({ id }) => id));
  return {
    ...slave,
    running: slave.running.filter(({ id }) => !ids.has(id)),
    freeing: victims.map(({ need }) => compute(need)).reduce(add, slave.freeing),
    nominated: forWhom === null ? slave.nominated : new Map([...slave.nominated, [forWhom.id, forWhom]]),
  };
}

/** Cores and RAM of all slaves that take part now. */
export interface PoolTotals {
  readonly vcpus: number;
  readonly freeVcpus: number;
  readonly ramMiB: number;
  readonly freeRamMiB: number;
  /**
   * Kept free of them. Rounded down to whole cores and MiB, so that a pool of fewer than twenty cores
   * keeps RAM only and a two-core machine can still run two small guests.
   */
  readonly keptVcpus: number;
  readonly keptRamMiB: number;
  /** What comes back beyond that once who is leaving is gone, less what waits for it. */
  readonly comingVcpus: number;
  readonly comingRamMiB: number;
}

export function takesPart(slave: SlaveView): boolean {
  return slave.admission === 'approved' && slave.liveness === 'online' && slave.connected && slave.hypervisor.usable && slave.troubles.length === 0;
}

/** What one slave adds to the pool for whoever asks: nothing when it takes no part now. */
export interface PoolRoom {
  readonly vcpus: number;
  readonly ramMiB: number;
  readonly freeVcpus: number;
  readonly freeRamMiB: number;
  readonly comingVcpus: number;
  readonly comingRamMiB: number;
}

export const noPoolRoom: PoolRoom = { vcpus: 0, ramMiB: 0, freeVcpus: 0, freeRamMiB: 0, comingVcpus: 0, comingRamMiB: 0 };

export function poolRoom(slave: SlaveNow, asking: Asking): PoolRoom {
  if (!takesPart(slave.view)) return noPoolRoom;
  const { view: { capacity: { vcpus, ramMiB } }, freeing, nominated } = slave;
  const now = freeUnheld(slave, asking);
  const [freeVcpus, freeRamMiB] = [Math.max(0, now.vcpus), Math.max(0, now.ramMiB)];
  // Where nobody waits for others to leave, which is almost everywhere, two sums say it: this is asked of every slave that changes.
  const later = nominated.size === 0 ? { vcpus: now.vcpus + freeing.vcpus, ramMiB: now.ramMiB + freeing.ramMiB } : unheldAfterLeaving(slave, asking);
  // What pays off what a slave owes, or what nominees wait for, comes to nobody.
  return { vcpus, ramMiB, freeVcpus, freeRamMiB, comingVcpus: Math.max(0, later.vcpus) - freeVcpus, comingRamMiB: Math.max(0, later.ramMiB) - freeRamMiB };
}

export function poolTotals(slaves: readonly SlaveNow[], rules: Pick<Snapshot['rules'], 'criticalShare'>, asking: Asking): PoolTotals {
  return poolTotalsOf(slaves.map((slave) => poolRoom(slave, asking)).reduce((sum, room) => combinedRoom(sum, room, 1), noPoolRoom), rules);
}

/** More, or with -1 less, of the pool. */
export const combinedRoom = (a: PoolRoom, b: PoolRoom, sign: 1 | -1): PoolRoom => ({
  vcpus: a.vcpus + sign * b.vcpus,
  ramMiB: a.ramMiB + sign * b.ramMiB,
  freeVcpus: a.freeVcpus + sign * b.freeVcpus,
  freeRamMiB: a.freeRamMiB + sign * b.freeRamMiB,
  comingVcpus: a.comingVcpus + sign * b.comingVcpus,
  comingRamMiB: a.comingRamMiB + sign * b.comingRamMiB,
});

export function poolTotalsOf({ vcpus, ramMiB, freeVcpus, freeRamMiB, comingVcpus, comingRamMiB }: PoolRoom, { criticalShare }: Pick<Snapshot['rules'], 'criticalShare'>): PoolTotals {
  return { vcpus, ramMiB, freeVcpus, freeRamMiB, comingVcpus, comingRamMiB, keptVcpus: Math.floor(vcpus * criticalShare), keptRamMiB: Math.floor(ramMiB * criticalShare) };
}

/** The slave as placement policies see it: with what this round promised and took. */
export function asSeen(slave: SlaveNow): SlaveView {
  const { view } = slave;
  return slave.promised === view.promised && slave.running === view.running ? view : { ...view, promised: slave.promised, running: slave.running };
}

/** Whether best-effort of this size leaves what the critical limit always keeps free, once `coming` is there as well. */
export function leavesCriticalLimit(pool: PoolTotals, need: Room, coming: Pick<Room, 'vcpus' | 'ramMiB'> = noRoom): boolean {
  return pool.freeVcpus + coming.vcpus - need.vcpus >= pool.keptVcpus && pool.freeRamMiB + coming.ramMiB - need.ramMiB >= pool.keptRamMiB;
}
