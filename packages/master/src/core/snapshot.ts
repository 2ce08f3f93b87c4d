import type { EpochMs } from '@paravcl/shared/clock';
import type { Reason, ReasonCode } from '@paravcl/shared/domain/reasons';
import type { ObservedState } from '@paravcl/shared/domain/instance-state';
import type { Admission, Liveness, SlaveKind } from '@paravcl/shared/domain/slave';
import type { SavedOn } from './saved-ram';
import type { PriorityParts } from '@paravcl/shared/priority';

/** An amount of a slave, or what an instance needs of one. */
export interface Room {
  readonly vcpus: number;
  readonly ramMiB: number;
  readonly diskMiB: number;
  /** Of its link; 0 for an instance without a limit, which is promised nothing. */
  readonly bandwidthMbps: number;
  /**
   * Of a slave how fast one core of it is, 1 like the project's reference machine; of an instance the least it may be. Nothing uses it up: what is
   * left of a slave is as fast as the slave. Absent: nothing is asked, or this is only a part of a slave of which that was asked already.
   */
  readonly speed?: number | undefined;
}

/** Whether a slave, or what is left of it, is as fast as is needed. */
export function fastEnough({ speed: least = 0 }: Pick<Room, 'speed'>, { speed = Infinity }: Pick<Room, 'speed'>): boolean {
  return least <= speed;
}

export const noRoom: Room = { vcpus: 0, ramMiB: 0, diskMiB: 0, bandwidthMbps: 0 };

/** One of a reservation's VMs, booked on one slave for the reservation's window. */
export interface Booking {
  readonly reservationId: string;
  /** Whose it is, as strangers are told: the group's name, else nobody's. */
  readonly ownerName: string;
  readonly slot: number;
  readonly start: EpochMs;
  readonly end: EpochMs;
  /** What it takes beyond what is promised already: without the disk of its instance once that is on the slave. */
  readonly need: Room;
  /** Who claimed it; null while nobody has. */
  readonly instanceId: string | null;
}

/** An instance that a slave holds cores and RAM for. */
export interface RunningInstance {
  readonly id: string;
  readonly name: string;
  readonly type: 'BE' | 'AR';
  readonly userId: string;
  readonly groupId: string | null;
  readonly generation: number;
  readonly observed: ObservedState;
  readonly need: Room;
  readonly pi: number;
  /** Began its present observed state: since when it runs. What was done since is what stopping it would interrupt. */
  readonly since: EpochMs;
  /** When its time is over; null without end. */
  readonly endsAt: EpochMs | null;
  /** It should not run any more (saved, stopped, deleted): its room comes back by itself. */
  readonly leaving: boolean;
  /** Was suspended for others as often as the site allows in a day: until then nobody suspends it. */
  readonly sparedUntil: EpochMs | null;
  /** The deployment it belongs to, while it begins to run; absent: none. */
  readonly beginsFor?: string | undefined;
}

/** One slave as the scheduler sees it. */
export interface SlaveView {
  readonly id: string;
  readonly name: string;
  readonly kind: SlaveKind;
  /** An approved volunteer that was online for an hour in the last seven days. */
  readonly contributing: boolean;
  readonly registeredAt: EpochMs;
  readonly admission: Admission;
  readonly liveness: Liveness;
  /** Its agent has a session with this master now. */
  readonly connected: boolean;
  readonly hypervisor: { readonly usable: boolean; readonly why: string };
  /** What it saves RAM with, and the protocol of its agent when that is known; absent: nothing that has RAM in the store goes there. */
  readonly savesRam?: { readonly on: SavedOn; readonly protocol: number | null } | undefined;
  /** What keeps it from working until the cause is gone, a sentence each. */
  readonly troubles: readonly string[];
  /** Why no end of an instance's time can be kept there; null when its clock is right. */
  readonly clockWrong: string | null;
  /** What may be promised in all: cores times overcommit, RAM less the host's own share, the pool's disk, its link. */
  readonly capacity: Room;
  /** Free in the pool's file system now, whoever uses the rest. */
  readonly poolAvailableMiB: number;
  /** Promised to placed instances, those that are only being cleaned away included. */
  readonly promised: Room;
  /** What of that runs or is on its way, in the order of ids. */
  readonly running: readonly RunningInstance[];
  /** Slots of reservations that hold room here and are not over, in the order of start, reservation and slot. */
  readonly bookings: readonly Booking[];
  /** How fast it saves guests, as measured; a cautious guess before the first. */
  readonly saveMiBPerSecond: number;
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

/** An instance of the queue: it should run and has no slave yet, or is saved or off and wants to go on where its disk is. */
export interface WaitingInstance {
  readonly id: string;
  readonly name: string;
  readonly type: 'BE' | 'AR';
  readonly userId: string;
  readonly groupId: string | null;
  readonly generation: number;
  readonly need: Room;
  readonly priority: PriorityParts;
  /** First come, first served: the moment of its request. */
  readonly createdAt: EpochMs;
  /** Of one that never ran, since it was asked for; of one that is saved or off, since it was told to go or asked to go on. */
  readonly waitsSince: EpochMs;
  /** How long it will run once it does; null without end. */
  readonly runMs: number | null;
  readonly attempts: readonly Attempt[];
  /** The slave that has its disk, and nowhere else can it run; null: anywhere. */
  readonly boundTo: string | null;
  /** The slave on which others are being suspended for it. */
  readonly nominatedTo: string | null;
  /** The slot it was claimed from. */
  readonly booking: { readonly reservationId: string; readonly slaveId: string; readonly start: EpochMs; readonly end: EpochMs } | null;
  /** Was suspended as often as allowed today: it is not lent what a reservation will want back before its end. */
  readonly spared: boolean;
  readonly reason: Reason | null;
  /** Of the disk it needs, its owner's home volume, which is on no slave yet; absent: it has none, or has it where its disk is. */
  readonly homeMiB?: number | undefined;
  /** What saved the RAM that it goes on with; absent: it boots, or its RAM is where it is. */
  readonly ramSavedOn?: SavedOn | undefined;
  /** What its deployment asks of slaves; absent: it belongs to none. */
  readonly deployment?: DeploymentTerms | undefined;
}

/** How the members of one deployment are spread. */
export interface DeploymentTerms {
  readonly id: string;
  readonly name: string;
  /** Where this member may run; null: anywhere. */
  readonly slaveIds: readonly string[] | null;
  /** So many of the deployment are prepared or boot on one slave at a time. */
  readonly perHostLimit: number;
}

/** What the site decides about scheduling, as the core needs it. */
export interface Rules {
  /** What an hour of waiting adds to a best-effort request's place in the order of the queue; 0: nothing. */
  readonly agingPerHour: number;
  /** Share of the pool's cores and RAM that best-effort never takes (the report's critical limit), 0 to 1. */
  readonly criticalShare: number;
  /** After its start a reservation's unclaimed room is lent again. */
  readonly noShowGraceMs: number;
  /** Reserved room is not lent for less than this. */
  readonly shortestLoanMs: number;
  /** Between an order and the first byte that is saved, with the loop's own time. */
  readonly saveOverheadMs: number;
  /** How much slower than measured a save may be and still be in time. */
  readonly saveSafety: number;
  /** Longest that anything is planned ahead. */
  readonly horizonMs: number;
  /** IANA zone in which sentences tell times. */
  readonly timeZone: string;
}

/** The scheduler's whole world. */
export interface Snapshot {
  readonly slaves: readonly SlaveView[];
  readonly rules: Rules;
  /** Where the newest placement went, for round-robin. */
  readonly lastPlacedOn: string | null;
}

/**
 * Room an instance takes. Its disk counts with its RAM on top, because suspending it writes the RAM
 * beside the disk, and a suspend that finds no room would lose what the person has open. So does the home volume that
 * goes where it goes (`homeMiB`).
 */
export function roomFor({ vcpus, ramMiB, diskMiB, bandwidthMbps, minSpeed = null, homeMiB = 0 }: {
  readonly vcpus: number; readonly ramMiB: number; readonly diskMiB: number; readonly bandwidthMbps: number | null;
  readonly minSpeed?: number | null | undefined; readonly homeMiB?: number | undefined;
}): Room {
  return { vcpus, ramMiB, diskMiB: diskMiB + ramMiB + homeMiB, bandwidthMbps: bandwidthMbps ?? 0, ...(minSpeed === null ? {} : { speed: minSpeed }) };
}

/** Both together: where one of them has to be fast, so has the whole. */
export function add(a: Room, b: Room): Room {
  const speed = a.speed === undefined ? b.speed : Math.max(a.speed, b.speed ?? 0);
  const both = { vcpus: a.vcpus + b.vcpus, ramMiB: a.ramMiB + b.ramMiB, diskMiB: a.diskMiB + b.diskMiB, bandwidthMbps: a.bandwidthMbps + b.bandwidthMbps };
  return speed === undefined ? both : { ...both, speed };
}

/** What is left of `a`, which stays as fast as it is. */
export function subtract(a: Room, b: Room): Room {
  const left = { vcpus: a.vcpus - b.vcpus, ramMiB: a.ramMiB - b.ramMiB, diskMiB: a.diskMiB - b.diskMiB, bandwidthMbps: a.bandwidthMbps - b.bandwidthMbps };
  return a.speed === undefined ? left : { ...left, speed: a.speed };
}

/** The part of a room that comes back when its guest is saved: everything but the disk. How fast it has to be is asked once, of where it goes. */
export function compute({ vcpus, ramMiB, bandwidthMbps }: Room): Room {
  return { vcpus, ramMiB, diskMiB: 0, bandwidthMbps };
}

/** What `need` takes beyond so much disk that is promised already. */
export function beyondDisk(need: Room, promisedMiB: number): Room {
  return { ...need, diskMiB: Math.max(0, need.diskMiB - promisedMiB) };
}

/** Whether `need` is within `room` in every dimension, and that is fast enough. */
export function within(need: Room, room: Room): boolean {
  return need.vcpus <= room.vcpus && need.ramMiB <= room.ramMiB && need.diskMiB <= room.diskMiB && need.bandwidthMbps <= room.bandwidthMbps && fastEnough(need, room);
}
