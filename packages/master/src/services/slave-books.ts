import type { EpochMs } from '@paravcl/shared/clock';
import type { ObservedState } from '@paravcl/shared/domain/instance-state';
import type { InstanceRecord } from '../core/instance-record';
import { inserted } from '../core/joined-guests';
import { dayEndsAt, preemptionsToday } from '../core/preemption-day';
import { leadMs, unmeasuredSaveMiBPerSecond } from '../core/save-time';
import { roomFor, type RunningInstance, type SlaveView } from '../core/snapshot';
import type { HeldBooking } from '../repositories/booking-repository';
import type { DeploymentRule } from '../repositories/deployment-member-repository';
import { nothingPromised, type SlaveUsage } from '../repositories/placement-repository';
import type { Repositories } from '../repositories/repositories';
import type { SlaveRecord } from '../repositories/slave-record';
import { contributingSlaves } from './contributing-slaves';
import { slaveView } from './fleet-view';
import type { SchedulingSettings } from './instance-settings';
import type { AgentPort, FleetFigures } from './ports';

export interface WorldDeps {
  readonly agents: Pick<AgentPort, 'isConnected' | 'protocolOf'>;
  readonly figures: FleetFigures;
  readonly scheduling: SchedulingSettings;
}

/** One that holds cores and RAM of a slave, with what else is written of it. */
interface Guest {
  readonly instance: InstanceRecord;
  /** The deployment that it begins to run for. */
  readonly beginsFor: string | undefined;
  /** It goes to another slave as it runs: nobody is told to go who cannot be told until it is there. */
  readonly isMoving: boolean;
}

/** All that is written of one slave, as the scheduler needs it. */
export interface SlaveBooks {
  readonly slave: SlaveRecord;
  readonly usage: SlaveUsage | undefined;
  /** In the order of ids; what comes here as it runs has its room here already, beside that on the slave it comes from. */
  readonly guests: readonly Guest[];
  readonly bookings: readonly HeldBooking[];
  readonly saveMiBPerSecond: number;
  readonly contributing: boolean;
  /** The stamp of the newest promise there, as of before all this was read: what is promised since has another. */
  readonly promises: number;
}

/** What is read for all of them at once: what is booked there, and for which deployments instances begin. */
export interface WrittenBeside {
  readonly bookings: readonly HeldBooking[];
  readonly deployments: ReadonlyMap<string, DeploymentRule>;
}

/** Reads the books of all slaves of the pool, or of these, in the order of ids. */
export async function loadSlaveBooks(repositories: Repositories, { scheduling }: Pick<WorldDeps, 'scheduling'>, at: EpochMs, { bookings: booked, deployments }: WrittenBeside, of: readonly string[] | null = null): Promise<readonly SlaveBooks[]> {
  // Before the rest: a promise that is in the rest and not in the stamp is looked at once more, the other way round it would be missed.
  const promises = await repositories.fleet.promises(of);
  const [slaves, usage, migrations, speeds] = await Promise.all([
    repositories.fleet.unretired(of),
    repositories.placements.usage(of),
    repositories.liveMigrations.open(),
    repositories.saveSpeeds.all(of),
  ]);
  // What arrives is read where it comes from.
  const arrivesAt = new Map(migrations.map(({ instanceId, toSlaveId }) => [instanceId, toSlaveId]));
  const sources = of === null ? null : [...new Set([...of, ...migrations.flatMap(({ fromSlaveId, toSlaveId }) => (of.includes(toSlaveId) ? [fromSlaveId] : []))])];
  const active = await repositories.instances.active(sources);
  const contributing = await contributingSlaves(repositories, slaves, scheduling.contributingMs, at);
  const guests = grouped(
    active.flatMap((instance) => {
      const to = arrivesAt.get(instance.id);
      const guest = { instance, beginsFor: beginningStates.includes(instance.observed) ? deployments.get(instance.id)?.deploymentId : undefined, isMoving: to !== undefined };
      return [...(instance.slaveId === null ? [] : [{ ...guest, slaveId: instance.slaveId }]), ...(to === undefined || to === instance.slaveId ? [] : [{ ...guest, slaveId: to }])];
    }),
  );
  const bookings = grouped(booked);
  return slaves.map((slave) => ({
    slave,
    usage: usage.get(slave.id),
    guests: guests.get(slave.id) ?? [],
    bookings: bookings.get(slave.id) ?? [],
    saveMiBPerSecond: speeds.get(slave.id)?.mibPerSecond ?? unmeasuredSaveMiBPerSecond,
    contributing: contributing.has(slave.id),
    promises: promises.get(slave.id) ?? 0,
  }));
}

/** The slave as the scheduler sees it now: its books, and what agents told since they were written. `known`: who runs there, when that was made already. */
export function viewOf({ slave, usage, guests, bookings, saveMiBPerSecond, contributing }: SlaveBooks, { agents, figures, scheduling }: WorldDeps, at: EpochMs, known?: SlaveView['running']): SlaveView {
  return slaveView(
    withFigures(slave, figures),
    {
      usage,
      connected: agents.isConnected(slave.id),
      protocol: agents.protocolOf(slave.id),
      contributing,
      running: known ?? guests.map((guest) => running(guest, saveMiBPerSecond, scheduling, at)),
      bookings,
      saveMiBPerSecond,
    },
    scheduling,
  );
}

/** One slave as the scheduler sees it, read within whatever transaction `repositories` belong to; null when it is not in the pool. */
export async function loadSlaveView(repositories: Repositories, deps: WorldDeps, at: EpochMs, id: string): Promise<SlaveView | null> {
  const [bookings, deployments] = await Promise.all([repositories.bookings.held({ slaveIds: [id] }), repositories.deploymentMembers.rules()]);
  const [books] = await loadSlaveBooks(repositories, deps, at, { bookings, deployments }, [id]);
  return books === undefined ? null : viewOf(books, deps, at);
}

/** Whether the slave looks otherwise by and by though nothing is written of it: somebody there cannot be told to go yet. */
export function changesWithTime({ running: guests }: SlaveView): boolean {
  return guests.some(({ sparedUntil }) => sparedUntil !== null && sparedUntil !== neverMs);
}

/** Figures and clocks as of the last heartbeat: those stored are older by a round of the store job, or by all the time the database was away. */
export function withFigures(slave: SlaveRecord, figures: FleetFigures): SlaveRecord {
  return { ...slave, describe: { ...slave.describe, ...figures.latest(slave.id)?.describe } };
}

function grouped<T extends { readonly slaveId: string }>(items: readonly T[]): ReadonlyMap<string, readonly T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const group = groups.get(item.slaveId);
    if (group === undefined) groups.set(item.slaveId, [item]);
    else group.push(item);
  }
  return groups;
}

/** The books once this instance, which was nowhere before, was promised its room there. */
export function booksWith(books: SlaveBooks, instance: InstanceRecord): SlaveBooks {
  const { usage = nothingPromised, guests } = books;
  const { vcpus, ramMiB, diskMiB, bandwidthMbps } = instance;
  return {
    ...books,
    usage: {
      vcpus: usage.vcpus + vcpus,
      ramMiB: usage.ramMiB + ramMiB,
      diskMiB: usage.diskMiB + diskMiB,
      bandwidthMbps: usage.bandwidthMbps + (bandwidthMbps ?? 0),
      saveMiB: usage.saveMiB + ramMiB,
      instances: usage.instances + 1,
    },
    guests: inserted(guests, { instance, beginsFor: undefined, isMoving: false }, (guest) => guest.instance.id),
  };
}

/** As the scheduler sees this guest of the slave, which begins there. */
export function asRunning(instance: InstanceRecord, { saveMiBPerSecond }: Pick<SlaveBooks, 'saveMiBPerSecond'>, { scheduling }: Pick<WorldDeps, 'scheduling'>, at: EpochMs): RunningInstance {
  return running({ instance, beginsFor: undefined, isMoving: false }, saveMiBPerSecond, scheduling, at);
}

function running({ instance, beginsFor, isMoving }: Guest, saveMiBPerSecond: number, { preemptionsPerDay, rules }: SchedulingSettings, at: EpochMs): RunningInstance {
  const need = roomFor(instance);
  const spared = preemptionsToday(instance, at, rules.timeZone) >= preemptionsPerDay;
  const stuck = isMoving || cannotLeave(instance);
  return {
    id: instance.id,
    name: instance.name,
    type: instance.type,
    userId: instance.userId,
    groupId: instance.groupId,
    generation: instance.generation,
    observed: instance.observed,
    need,
    pi: instance.priority.pi,
    since: instance.changedAt,
    endsAt: instance.endsAt,
    leaving: instance.desired !== 'running' && !stuck,
    // What begins right after midnight is not in its way until it could have been saved.
    sparedUntil: stuck ? at + stuckForMs : preemptionsPerDay === 0 ? neverMs : spared ? dayEndsAt(at, rules.timeZone) + leadMs([need.ramMiB], saveMiBPerSecond, rules) : null,
    beginsFor,
  };
}

/** Work for its host's disk and processors that a running one does not make: the image, the boot, the RAM that is read back. */
const beginningStates: readonly ObservedState[] = ['preparing', 'booting', 'resuming'];

/** A site that suspends nobody for others; a moment that JSON can keep. */
const neverMs = Number.MAX_SAFE_INTEGER;

/** Nobody waits for the room of one that could not go; it is looked at anew in every round. */
const stuckForMs = 60_000;

/** It should not run any more, and its slave could not bring that about: no room for its RAM, a hypervisor that refuses, no end in time. */
function cannotLeave({ desired, observed, reason }: InstanceRecord): boolean {
  if (desired === 'running' || desired === 'deleted') return false;
  if (observed === 'failed') return true;
  return observed === 'running' && (reason?.code === 'SlaveRefused' || reason?.code === 'NotEnoughDisk');
}
