import { add, compute, noRoom, subtract, type Booking, type Room, type RunningInstance, type SlaveView, type Snapshot } from './snapshot';

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
  /** Holds cores and RAM and should: who is leaving, and who was chosen to leave in this round, is not among them. */
  readonly running: readonly RunningInstance[];
  /** Cores, RAM and bandwidth that come back once who is leaving is gone. */
  readonly freeing: Room;
  /** Slots whose room is not lent now: their window is near or has just begun, and nobody runs in them yet. */
  readonly held: readonly Booking[];
  /** What waits for others to be suspended here, by instance id. */
  readonly nominated: ReadonlyMap<string, Room>;
}

export function slaveNow(view: SlaveView): SlaveNow {
  return {
    view,
    promised: view.promised,
    poolAvailableMiB: view.poolAvailableMiB,
    running: view.running.filter(({ leaving }) => !leaving),
    freeing: view.running.filter(({ leaving }) => leaving).map(({ need }) => compute(need)).reduce(add, noRoom),
    held: [],
    nominated: new Map(),
  };
}

/** Who asks for room: its own slot and its own nomination are not in its way. */
export interface Asking {
  readonly id: string;
  readonly booking: { readonly reservationId: string } | null;
}

const heldRoom = (slave: SlaveNow, asking: Asking): Room =>
  slave.held
    .filter(({ instanceId }) => instanceId !== asking.id)
    .map(({ need }) => compute(need))
    .reduce(add, noRoom);

const nominatedRoom = (slave: SlaveNow, asking: Asking): Room =>
  [...slave.nominated].filter(([id]) => id !== asking.id).map(([, room]) => room).reduce(add, noRoom);

/** Neither promised nor on anybody's disk; below 0 where more is promised than there is. */
export function unpromised(slave: SlaveNow): Room {
  const { view, promised, poolAvailableMiB } = slave;
  const room = subtract(view.capacity, promised);
  return { ...room, diskMiB: Math.min(room.diskMiB, poolAvailableMiB) };
}

const least = (a: Room, b: Room): Room => ({
  vcpus: Math.min(a.vcpus, b.vcpus),
  ramMiB: Math.min(a.ramMiB, b.ramMiB),
  diskMiB: Math.min(a.diskMiB, b.diskMiB),
  bandwidthMbps: Math.min(a.bandwidthMbps, b.bandwidthMbps),
});

/** Room that is there now and that nobody waits for, whatever is reserved. */
export function freeUnheld(slave: SlaveNow, asking: Asking): Room {
  const room = unpromised(slave);
  return least(room, subtract(add(room, slave.freeing), nominatedRoom(slave, asking)));
}

/** Room that best-effort may take now: held slots are left alone, and disk that slots to come will need, for disk cannot be called back. */
export function freeNow(slave: SlaveNow, asking: Asking): Room {
  const room = least(freeUnheld(slave, asking), afterLeaving(slave, asking));
  return { ...room, diskMiB: room.diskMiB - bookedDiskMiB(slave, asking) };
}

/** Room once who is leaving is gone, with held slots and nominations left alone. */
export function afterLeaving(slave: SlaveNow, asking: Asking): Room {
  return subtract(add(unpromised(slave), slave.freeing), add(heldRoom(slave, asking), nominatedRoom(slave, asking)));
}

/** The most disk that slots on this slave will need at one moment to come, beyond what is on it already. */
export function bookedDiskMiB(slave: SlaveNow, asking: Asking): number {
  const slots = slave.view.bookings.filter(({ need, instanceId }) => need.diskMiB > 0 && instanceId !== asking.id);
  // The sum only rises where a slot begins.
  return Math.max(0, ...slots.map(({ start }) => slots.filter((slot) => slot.start <= start && start < slot.end).reduce((sum, { need }) => sum + need.diskMiB, 0)));
}

/** `room` was promised here to one instance. */
export function promised(slave: SlaveNow, instanceId: string, room: Room): SlaveNow {
  const rest = new Map(slave.nominated);
  rest.delete(instanceId);
  return {
    ...slave,
    promised: add(slave.promised, room),
    // A new promise is not on the disk yet: it is taken off what the file system has, too.
    poolAvailableMiB: slave.poolAvailableMiB - room.diskMiB,
    held: slave.held.filter((slot) => slot.instanceId !== instanceId),
    nominated: rest,
  };
}

/** These were told to go, for the sake of `forWhom` (null: of held slots). */
export function vacating(slave: SlaveNow, victims: readonly RunningInstance[], forWhom: { readonly id: string; readonly need: Room } | null): SlaveNow {
  const ids = new Set(victims.map(({ id }) => id));
  return {
    ...slave,
    running: slave.running.filter(({ id }) => !ids.has(id)),
    freeing: victims.map(({ need }) => compute(need)).reduce(add, slave.freeing),
    nominated: forWhom === null ? slave.nominated : new Map([...slave.nominated, [forWhom.id, forWhom.need]]),
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
  /** What comes back once who is leaving is gone, less what is nominated: may be below 0. */
  readonly comingVcpus: number;
  readonly comingRamMiB: number;
}

export function takesPart(slave: SlaveView): boolean {
  return slave.admission === 'approved' && slave.liveness === 'online' && slave.connected && slave.hypervisor.usable && slave.troubles.length === 0;
}

export function poolTotals(slaves: readonly SlaveNow[], { criticalShare }: Pick<Snapshot['rules'], 'criticalShare'>, asking: Asking): PoolTotals {
  const taking = slaves.filter(({ view }) => takesPart(view));
  const sum = (amount: (slave: SlaveNow) => number): number => taking.reduce((total, slave) => total + amount(slave), 0);
  const coming = (slave: SlaveNow): Room => subtract(slave.freeing, nominatedRoom(slave, asking));
  const vcpus = sum(({ view }) => view.capacity.vcpus);
  const ramMiB = sum(({ view }) => view.capacity.ramMiB);
  return {
    vcpus,
    ramMiB,
    freeVcpus: sum((slave) => Math.max(0, freeUnheld(slave, asking).vcpus)),
    freeRamMiB: sum((slave) => Math.max(0, freeUnheld(slave, asking).ramMiB)),
    keptVcpus: Math.floor(vcpus * criticalShare),
    keptRamMiB: Math.floor(ramMiB * criticalShare),
    comingVcpus: sum((slave) => coming(slave).vcpus),
    comingRamMiB: sum((slave) => coming(slave).ramMiB),
  };
}

/** The slave as placement policies see it: with what this round promised and took. */
export function asSeen(slave: SlaveNow): SlaveView {
  return { ...slave.view, promised: slave.promised, running: slave.running };
}
