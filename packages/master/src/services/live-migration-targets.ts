import type { Clock } from '@paravcl/shared/clock';
import { streamProtocolVersion } from '@paravcl/shared/protocol/version';
import { plan } from '../core/plan';
import { missesWrites } from '../core/live-migration';
import { savedOnOf } from '../core/saved-ram';
import { roomFor, type Attempt, type WaitingInstance } from '../core/snapshot';
import type { InstanceRecord } from '../core/instance-record';
import type { Repositories } from '../repositories/repositories';
import type { SlaveRecord } from '../repositories/slave-record';
import { seeCalendar } from './calendar-lock';
import type { SchedulingSettings } from './instance-settings';
import type { AgentPort } from './ports';
import type { WorkingWorld } from './working-world';
import type { World } from './world-loader';

export interface LiveTargetsDeps {
  readonly agents: Pick<AgentPort, 'protocolOf'>;
  readonly clock: Clock;
  readonly scheduling: SchedulingSettings;
  readonly migrateEmulated: boolean;
  readonly world: Pick<WorkingWorld, 'now'>;
}

/** A slave that could take a guest while it runs. */
export interface LiveTarget {
  readonly slaveId: string;
  readonly slaveName: string;
  /** The calendar's value from before it was chosen: what was reserved since is not reckoned with. */
  readonly calendar: string | null;
}

/**
 * Where each of these guests of one slave could go while it runs: where the scheduler itself would place it now, with room there that
 * nobody has to leave. Of what is not in the answer nothing can take it now.
 */
export async function liveTargets(repositories: Repositories, deps: LiveTargetsDeps, source: SlaveRecord, guests: readonly InstanceRecord[]): Promise<ReadonlyMap<string, LiveTarget>> {
  const { agents, clock, scheduling } = deps;
  if ((agents.protocolOf(source.id) ?? 0) < streamProtocolVersion || guests.length === 0) return new Map();
  if (missesWrites(source.describe.hypervisor) && !deps.migrateEmulated) return new Map();
  const at = clock.now();
  const calendar = await seeCalendar(repositories);
  const world = await deps.world.now(at, guests.map(({ id }) => id));
  const attempts = await repositories.placements.attempts(guests.map(({ id }) => id));
  const slaves = world.snapshot.slaves.filter(({ id }) => id !== source.id && (agents.protocolOf(id) ?? 0) >= streamProtocolVersion);
  const deployments = await repositories.deploymentMembers.rules(guests.map(({ id }) => id));
  const targets = new Map<string, LiveTarget>();
  for (const guest of guests) {
    const asking = askingFor(guest, attempts.get(guest.id) ?? [], { bookings: world.bookings, homes: world.homes, deployments }, source, at);
    const [decision] = plan({ ...world.snapshot, slaves }, [asking], scheduling, at).decisions;
    const chosen = decision?.kind === 'place' ? slaves.find(({ id }) => id === decision.slaveId) : undefined;
    if (chosen !== undefined) targets.set(guest.id, { slaveId: chosen.id, slaveName: chosen.name, calendar });
  }
  return targets;
}

/** A guest that runs, as if it waited for a slave that takes it as it is. */
function askingFor(guest: InstanceRecord, attempts: readonly Attempt[], { bookings, deployments, homes }: Pick<World, 'bookings' | 'deployments' | 'homes'>, source: SlaveRecord, at: number): WaitingInstance {
  const slot = guest.type === 'AR' ? bookings.find(({ instanceId }) => instanceId === guest.id) : undefined;
  const rule = deployments.get(guest.id);
  return {
    id: guest.id,
    name: guest.name,
    type: slot === undefined ? 'BE' : 'AR',
    userId: guest.userId,
    groupId: guest.groupId,
    generation: guest.generation,
    need: roomFor({ ...guest, homeMiB: homes.get(guest.id)?.mib }),
    priority: guest.priority,
    createdAt: guest.createdAt,
    waitsSince: guest.createdAt,
    runMs: slot === undefined ? (guest.endsAt === null ? null : Math.max(0, guest.endsAt - at)) : Math.max(0, slot.end - at),
    attempts,
    boundTo: null,
    nominatedTo: null,
    booking: slot === undefined ? null : { reservationId: slot.reservationId, slaveId: slot.slaveId, start: slot.start, end: slot.end },
    spared: false,
    reason: null,
    ramSavedOn: savedOnOf(source.describe),
    // It begins nowhere: only where it may run counts.
    deployment: rule === undefined ? undefined : { id: rule.deploymentId, name: rule.deploymentName, slaveIds: rule.slaveIds, perHostLimit: Infinity },
  };
}
