import type { EpochMs } from '@paravcl/shared/clock';
import type { ObservedState } from '@paravcl/shared/domain/instance-state';
import { dayEndsAt, preemptionsToday } from '../core/preemption-day';
import type { InstanceRecord } from '../core/instance-record';
import { leadMs, unmeasuredSaveMiBPerSecond } from '../core/save-time';
import { roomFor, type Attempt, type RunningInstance, type Snapshot, type WaitingInstance } from '../core/snapshot';
import type { DeploymentRule } from '../repositories/deployment-member-repository';
import type { HeldBooking } from '../repositories/booking-repository';
import type { HomeRoom } from '../repositories/home-repository';
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

/** The scheduler's world with the records it was made of. */
export interface World {
  readonly snapshot: Snapshot;
  readonly slaves: ReadonlyMap<string, SlaveRecord>;
  /** Instances that hold cores and RAM, by id. */
  readonly active: ReadonlyMap<string, InstanceRecord>;
  readonly bookings: readonly HeldBooking[];
  /** By instance, of those that wait or begin to run and belong to a deployment. */
  readonly deployments: ReadonlyMap<string, DeploymentRule>;
  /** By instance, what its owner's home volume takes of a pool, of those that have it or will when they are placed. */
  readonly homes: ReadonlyMap<string, HomeRoom>;
}

/** Loads everything that decisions are made of, within whatever transaction `repositories` belong to. */
export async function loadWorld(repositories: Repositories, deps: WorldDeps, at: EpochMs): Promise<World> {
  const { scheduling, agents, figures } = deps;
  const [stored, usage, active, bookings, speeds, lastPlacedOn, deployments, migrations, homes] = await Promise.all([
    repositories.fleet.unretired(),
    repositories.placements.usage(),
    repositories.instances.active(),
    repositories.bookings.held(),
    repositories.saveSpeeds.all(),
    repositories.placements.newestSlaveId(),
    repositories.deploymentMembers.rules(),
    repositories.liveMigrations.open(),
    repositories.homes.rooms(),
  ]);
  const contributing = await contributingSlaves(repositories, stored, scheduling.contributingMs, at);
  // Figures and clocks as of the last heartbeat: those stored are older by a round of the store job, or by all the time the database was away.
  const slaves = stored.map((slave) => ({ ...slave, describe: { ...slave.describe, ...figures.latest(slave.id)?.describe } }));
  const moving = new Map(migrations.map((migration) => [migration.instanceId, migration]));
  // What comes to a slave as it runs has its room there already, beside that on the slave it comes from.
  const arriving = active.flatMap((instance) => {
    const migration = moving.get(instance.id);
    return migration === undefined ? [] : [{ ...instance, slaveId: migration.toSlaveId }];
  });
  const bySlave = grouped([...active, ...arriving]);
  const booked = grouped(bookings);
  const views = slaves.map((slave) => {
    const saveMiBPerSecond = speeds.get(slave.id)?.mibPerSecond ?? unmeasuredSaveMiBPerSecond;
    return slaveView(
      slave,
      {
        usage: usage.get(slave.id),
        connected: agents.isConnected(slave.id),
        protocol: agents.protocolOf(slave.id),
        contributing: contributing.has(slave.id),
        running: (bySlave.get(slave.id) ?? []).map((instance) => running(instance, { saveMiBPerSecond, deployment: deployments.get(instance.id), isMoving: moving.has(instance.id) }, scheduling, at)),
        bookings: booked.get(slave.id) ?? [],
        saveMiBPerSecond,
      },
      scheduling,
    );
  });
  return {
    snapshot: { slaves: views, rules: scheduling.rules, lastPlacedOn },
    slaves: new Map(slaves.map((slave) => [slave.id, slave])),
    active: new Map(active.map((instance) => [instance.id, instance])),
    bookings,
    deployments,
    homes,
  };
}

function grouped<T extends { readonly slaveId: string | null }>(items: readonly T[]): ReadonlyMap<string, readonly T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    if (item.slaveId === null) continue;
    const group = groups.get(item.slaveId);
    if (group === undefined) groups.set(item.slaveId, [item]);
    else group.push(item);
  }
  return groups;
}

interface AboutRunning {
  readonly saveMiBPerSecond: number;
  readonly deployment: DeploymentRule | undefined;
  /** It goes to another slave as it runs: nobody is told to go who cannot be told until it is there. */
  readonly isMoving: boolean;
}

function running(instance: InstanceRecord, { saveMiBPerSecond, deployment, isMoving }: AboutRunning, { preemptionsPerDay, rules }: SchedulingSettings, at: EpochMs): RunningInstance {
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
    beginsFor: beginningStates.includes(instance.observed) ? deployment?.deploymentId : undefined,
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

/** Those of the queue who can be served now: not those that are still being saved, and not those that nobody can look at. */
export function waitingInstances(queue: readonly InstanceRecord[], attempts: ReadonlyMap<string, readonly Attempt[]>, { bookings, deployments, homes }: Pick<World, 'bookings' | 'deployments' | 'homes'>, { preemptionsPerDay, startingPerSlave, rules }: SchedulingSettings, at: EpochMs): readonly WaitingInstance[] {
  const slots = new Map(bookings.flatMap((booking) => (booking.instanceId === null ? [] : [[booking.instanceId, booking] as const])));
  return queue.filter(canBeServed).map((instance) => {
    const bound = instance.queuedAt !== null;
    const slot = instance.type === 'AR' ? slots.get(instance.id) : undefined;
    const home = homes.get(instance.id);
    // On a slave it counts there already.
    const homeMiB = home === undefined || home.slaveId !== null ? 0 : home.mib;
    const need = roomFor({ ...instance, homeMiB });
    const rule = deployments.get(instance.id);
    return {
      id: instance.id,
      name: instance.name,
      type: slot === undefined ? 'BE' : 'AR',
      userId: instance.userId,
      groupId: instance.groupId,
      generation: instance.generation,
      need: bound ? { ...need, diskMiB: homeMiB } : need,
      homeMiB: homeMiB === 0 ? undefined : homeMiB,
      priority: instance.priority,
      createdAt: instance.createdAt,
      runMs: slot === undefined ? remainingMs(instance) : Math.max(0, slot.end - at),
      attempts: attempts.get(instance.id) ?? [],
      boundTo: bound ? instance.slaveId : null,
      nominatedTo: instance.nominatedSlaveId,
      booking: slot === undefined ? null : { reservationId: slot.reservationId, slaveId: slot.slaveId, start: slot.start, end: slot.end },
      spared: preemptionsToday(instance, at, rules.timeZone) >= preemptionsPerDay,
      reason: instance.reason,
      ramSavedOn: bound ? undefined : (instance.ramSavedOn ?? undefined),
      deployment: rule === undefined ? undefined : { id: rule.deploymentId, name: rule.deploymentName, slaveIds: rule.slaveIds, perHostLimit: rule.perHostLimit ?? startingPerSlave },
    };
  });
}

function canBeServed({ queuedAt, desired, observed, observedGeneration, generation }: InstanceRecord): boolean {
  if (queuedAt === null) return observed === 'requested' || observed === 'queued';
  if (observedGeneration !== generation) return false;
  return (desired === 'suspended' && observed === 'suspended') || observed === 'stopped';
}

/** Its clock stands while it waits in the queue. */
export function remainingMs({ minutes, endsAt, queuedAt }: Pick<InstanceRecord, 'minutes' | 'endsAt' | 'queuedAt'>): number | null {
  if (minutes === null) return null;
  if (queuedAt !== null && endsAt !== null && endsAt > queuedAt) return endsAt - queuedAt;
  return minutes * 60_000;
}
