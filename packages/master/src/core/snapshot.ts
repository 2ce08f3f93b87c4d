import type { EpochMs } from '@paravcl/shared/clock';
import type { ReasonCode } from '@paravcl/shared/domain/reasons';
import type { Admission, Liveness, SlaveKind } from '@paravcl/shared/domain/slave';

/** An amount of a slave, or what an instance needs of one. */
export interface Room {
  readonly vcpus: number;
  readonly ramMiB: number;
  readonly diskMiB: number;
}

/** One slave as the scheduler sees it. */
export interface SlaveView {
  readonly id: string;
  readonly name: string;
  readonly kind: SlaveKind;
  readonly admission: Admission;
  readonly liveness: Liveness;
  /** Its agent has a session with this master now. */
  readonly connected: boolean;
  readonly hypervisor: { readonly usable: boolean; readonly why: string };
  /** What keeps it from working until the cause is gone, a sentence each. */
  readonly troubles: readonly string[];
  /** Why no end of an instance's time can be kept there; null when its clock is right. */
  readonly clockWrong: string | null;
  /** What may be promised in all: cores times overcommit, RAM less the host's own share, the pool's disk. */
  readonly capacity: Room;
  /** Free in the pool's file system now, whoever uses the rest. */
  readonly poolAvailableMiB: number;
  /** Promised to placed instances, those that are only being cleaned away included. */
  readonly promised: Room;
}

/** A launch that a slave refused or failed before the guest ever ran. */
export interface Attempt {
  readonly slaveId: string;
  readonly slaveName: string;
  readonly code: ReasonCode | null;
  readonly sentence: string | null;
  /** The slave still owes the proof that nothing remains there. */
  readonly cleaning: boolean;
}

/** An instance that has no slave yet and should run. */
export interface WaitingInstance {
  readonly id: string;
  readonly name: string;
  readonly generation: number;
  readonly vcpus: number;
  readonly ramMiB: number;
  readonly diskMiB: number;
  readonly createdAt: EpochMs;
  /** Its time ends, by the clock of its slave too. */
  readonly hasEnd: boolean;
  readonly attempts: readonly Attempt[];
}

/** The scheduler's whole world. */
export interface Snapshot {
  readonly slaves: readonly SlaveView[];
  /** Share of the pool's cores and RAM that is always kept free (the report's critical limit), 0 to 1. */
  readonly criticalShare: number;
}

/**
 * Room an instance takes. Its disk counts with its RAM on top, because suspending it writes the RAM
 * beside the disk, and a suspend that finds no room would lose what the person has open.
 */
export function roomFor(instance: { readonly vcpus: number; readonly ramMiB: number; readonly diskMiB: number }): Room {
  return { vcpus: instance.vcpus, ramMiB: instance.ramMiB, diskMiB: instance.diskMiB + instance.ramMiB };
}

export function freeOf(slave: SlaveView): Room {
  return {
    vcpus: slave.capacity.vcpus - slave.promised.vcpus,
    ramMiB: slave.capacity.ramMiB - slave.promised.ramMiB,
    diskMiB: Math.min(slave.capacity.diskMiB - slave.promised.diskMiB, slave.poolAvailableMiB),
  };
}

/** The world after `room` was promised on one slave. */
export function promise(snapshot: Snapshot, slaveId: string, room: Room): Snapshot {
  return {
    ...snapshot,
    slaves: snapshot.slaves.map((slave) =>
      slave.id !== slaveId
        ? slave
        : {
            ...slave,
            // A new promise is not on the disk yet: it is taken off what the file system has, too.
            poolAvailableMiB: slave.poolAvailableMiB - room.diskMiB,
            promised: {
              vcpus: slave.promised.vcpus + room.vcpus,
              ramMiB: slave.promised.ramMiB + room.ramMiB,
              diskMiB: slave.promised.diskMiB + room.diskMiB,
            },
          },
    ),
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
}

export function takesPart(slave: SlaveView): boolean {
  return slave.admission === 'approved' && slave.liveness === 'online' && slave.connected && slave.hypervisor.usable && slave.troubles.length === 0;
}

export function poolTotals(snapshot: Snapshot): PoolTotals {
  const taking = snapshot.slaves.filter(takesPart);
  const sum = (amount: (slave: SlaveView) => number): number => taking.reduce((total, slave) => total + amount(slave), 0);
  const vcpus = sum((slave) => slave.capacity.vcpus);
  const ramMiB = sum((slave) => slave.capacity.ramMiB);
  return {
    vcpus,
    ramMiB,
    freeVcpus: sum((slave) => Math.max(0, freeOf(slave).vcpus)),
    freeRamMiB: sum((slave) => Math.max(0, freeOf(slave).ramMiB)),
    keptVcpus: Math.floor(vcpus * snapshot.criticalShare),
    keptRamMiB: Math.floor(ramMiB * snapshot.criticalShare),
  };
}
