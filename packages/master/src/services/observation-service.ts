import type { Clock } from '@paravcl/shared/clock';
import type { Reason } from '@paravcl/shared/domain/reasons';
import type { Admission } from '@paravcl/shared/domain/slave';
import type { DesiredInstance, ObservedInstance } from '@paravcl/shared/protocol/desired-instance';
import type { InstanceRecord, PlacementRecord } from '../core/instance-record';
import { bootedStates, judgeReport, type Verdict } from '../core/judge-report';
import type { UnitOfWork } from '../db/unit-of-work';
import type { Repositories } from '../repositories/repositories';
import type { SlaveRecord } from '../repositories/slave-record';
import { desiredStates, tombstone } from './desired-state';
import { changeInstance, finishDeletion } from './instance-changes';
import type { InstanceSettings } from './instance-settings';
import { offlineSince } from './instance-view';
import type { AgentPort, AgentReports, SchedulerWake } from './ports';

export interface ObservationServiceDeps {
  readonly unitOfWork: UnitOfWork;
  readonly agents: Pick<AgentPort, 'pushDesired' | 'forget'>;
  readonly scheduler: SchedulerWake;
  readonly clock: Clock;
  readonly settings: InstanceSettings;
}

/** What follows a report once it is written. */
interface Effects {
  readonly tombstone: number | null;
  readonly forget: number | null;
  readonly push: InstanceRecord | null;
  readonly wake: boolean;
}

const nothing: Effects = { tombstone: null, forget: null, push: null, wake: false };

/** Slaves in these states are told what should be; the others are waiting, under suspicion or gone. */
const admitted: readonly Admission[] = ['approved', 'draining'];

/**
 * Writes down what slaves report. Meaning is decided by `judgeReport`, which is pure; here it is applied,
 * one report one transaction, with the instance locked.
 */
export class ObservationService implements AgentReports {
  /** Foreign instance ids that people were told of, per slave, so that every hello does not tell them again. */
  private readonly toldOf = new Set<string>();

  constructor(private readonly deps: ObservationServiceDeps) {}

  async connected(slaveId: string, inventory: readonly ObservedInstance[]): Promise<readonly DesiredInstance[]> {
    const { unitOfWork, agents, scheduler, settings } = this.deps;
    const { read } = unitOfWork;
    const slave = await read.slaves.find(slaveId);
    if (slave === null || !admitted.includes(slave.admission)) return [];
    for (const report of inventory) {
      // Tombstones and desired states go out with the full set below; only `forget` is not in it.
      const { forget } = await this.apply(slave, report);
      if (forget !== null) agents.forget(slaveId, [{ instanceId: report.instanceId, generation: forget }]);
    }
    await this.missing(slave, new Set(inventory.map(({ instanceId }) => instanceId)));
    scheduler.wake();

    const [instances, cleaning] = await Promise.all([read.instances.onSlave(slaveId), read.placements.cleaning(slaveId)]);
    const present = instances.filter((instance) => instance.desired !== 'deleted' && !abandoned(instance));
    return [...(await desiredStates(read, present, settings.guestUser)), ...cleaning.map(({ instanceId, generation }) => tombstone(instanceId, generation))];
  }

  async observed(slaveId: string, instances: readonly ObservedInstance[]): Promise<void> {
    const { unitOfWork, agents, scheduler, settings } = this.deps;
    const slave = await unitOfWork.read.slaves.find(slaveId);
    if (slave === null || !admitted.includes(slave.admission)) return;
    for (const report of instances) {
      const { instanceId } = report;
      const effects = await this.apply(slave, report);
      if (effects.tombstone !== null) agents.pushDesired(slaveId, [tombstone(instanceId, effects.tombstone)]);
      if (effects.forget !== null) agents.forget(slaveId, [{ instanceId, generation: effects.forget }]);
      if (effects.push !== null) agents.pushDesired(slaveId, await desiredStates(unitOfWork.read, [effects.push], settings.guestUser));
      if (effects.wake) scheduler.wake();
    }
  }

  async fleetChanged(slaveId: string): Promise<void> {
    const { unitOfWork, scheduler } = this.deps;
    const slave = await unitOfWork.read.slaves.find(slaveId);
    if (slave?.liveness === 'lost') {
      for (const instance of await unitOfWork.read.instances.onSlave(slaveId)) {
        // What failed keeps its own reason; what is lost already keeps the older one.
        if (instance.observed !== 'failed' && instance.observed !== 'lost') await this.lose(slave, instance, silence(slave, instance, this.deps.settings.timeZone));
      }
    }
    if (slave?.admission === 'retired') await this.giveUp(slave);
    scheduler.wake();
  }

  /** The slave left the pool for good: it cannot prove any deletion, and what is on it is out of reach. */
  private async giveUp(slave: SlaveRecord): Promise<void> {
    const { unitOfWork, clock, settings } = this.deps;
    const context = { by: `slave ${slave.name}`, now: clock.now(), slaveName: slave.name, settings };
    const owed = await unitOfWork.read.placements.cleaning(slave.id);
    await unitOfWork.transaction((repositories) => repositories.placements.giveUpOnRetired({ slave_id: slave.id }, context.now));
    for (const { instanceId } of owed) {
      await unitOfWork.transaction(async (repositories) => {
        const instance = await repositories.instances.lock(instanceId);
        const left = await repositories.placements.unclean(instanceId);
        if (instance?.desired === 'deleted' && instance.observed !== 'deleted' && left.length === 0) await finishDeletion(repositories, instance, context);
      });
    }
    for (const instance of await unitOfWork.read.instances.onSlave(slave.id)) {
      await this.lose(slave, instance, { code: 'DomainLost', sentence: `${slave.name} has left the pool with the disk of ${instance.name}. Delete it and launch a new one.` });
    }
  }

  /** Placed here, run before, and not in the inventory: its domain is gone. What never ran is simply told again. */
  private async missing(slave: SlaveRecord, present: ReadonlySet<string>): Promise<void> {
    for (const instance of await this.deps.unitOfWork.read.instances.onSlave(slave.id)) {
      if (present.has(instance.id) || !instance.booted || instance.desired === 'deleted' || abandoned(instance)) continue;
      await this.lose(slave, instance, {
        code: 'DomainLost',
        sentence: `${slave.name} came back without ${instance.name}. Start it to make it anew from what its disk there still holds, or delete it.`,
      });
    }
  }

  private async lose(slave: SlaveRecord, instance: InstanceRecord, reason: Reason): Promise<void> {
    const { unitOfWork, clock, settings } = this.deps;
    const answers = reason.code === 'DomainLost' ? { observedGeneration: instance.generation } : {};
    await unitOfWork.transaction((repositories) =>
      changeInstance(repositories, instance, { observed: 'lost', reason, ...answers }, { by: `slave ${slave.name}`, now: clock.now(), slaveName: slave.name, settings }),
    );
  }

  private async apply(slave: SlaveRecord, report: ObservedInstance): Promise<Effects> {
    return this.deps.unitOfWork.transaction(async (repositories) => {
      const instance = await repositories.instances.lock(report.instanceId);
      const placement = await repositories.placements.newest(report.instanceId, slave.id);
      const verdict = judgeReport(slave, instance, placement, report);
      return this.carryOut(repositories, slave, instance, placement, report, verdict);
    });
  }

  private async carryOut(
    repositories: Repositories,
    slave: SlaveRecord,
    instance: InstanceRecord | null,
    placement: PlacementRecord | null,
    report: ObservedInstance,
    verdict: Verdict,
  ): Promise<Effects> {
    const { clock, settings } = this.deps;
    const context = { by: `slave ${slave.name}`, now: clock.now(), slaveName: slave.name, settings };
    switch (verdict.kind) {
      case 'ignore':
        return nothing;
      case 'forget':
        return { ...nothing, forget: report.generation };
      case 'repeat-tombstone':
        return { ...nothing, tombstone: verdict.generation };
      case 'unknown':
        await this.tellOfUnknown(repositories, slave, report);
        return nothing;
      case 'owe-tombstone':
        if (placement?.state === 'active') await repositories.placements.clean(report.instanceId, slave.id, verdict.generation, null);
        else await repositories.placements.insert({ instanceId: report.instanceId, slaveId: slave.id, generation: verdict.generation, state: 'cleaning' }, context.now);
        return { ...nothing, tombstone: verdict.generation };
      case 'cleaned': {
        await repositories.placements.confirmClean(verdict.placementId, context.now);
        const left = await repositories.placements.unclean(report.instanceId);
        if (instance?.desired === 'deleted' && instance.observed !== 'deleted' && left.length === 0) await finishDeletion(repositories, instance, context);
        return { ...nothing, forget: report.generation, wake: true };
      }
      case 'next-candidate': {
        if (instance === null) return nothing;
        const generation = instance.generation + 1;
        await repositories.placements.clean(instance.id, slave.id, generation, verdict.reason);
        await changeInstance(repositories, instance, { observed: 'queued', slaveId: null, generation, reason: verdict.reason }, context);
        return { ...nothing, tombstone: generation, wake: true };
      }
      case 'observe': {
        if (instance === null) return nothing;
        const accepted = verdict.accept !== null;
        const after = await changeInstance(
          repositories,
          instance,
          {
            observed: verdict.to,
            observedGeneration: instance.generation,
            reason: verdict.reason,
            progressPercent: report.progressPercent,
            ...(bootedStates.includes(verdict.to) ? { booted: true } : {}),
            ...(verdict.accept === null ? {} : { desired: verdict.accept, generation: instance.generation + 1 }),
          },
          accepted ? { ...context, supersede: verdict.reason?.sentence ?? 'The guest shut itself down.' } : context,
        );
        const freed = verdict.to !== instance.observed;
        return { ...nothing, push: accepted ? after : null, wake: freed };
      }
    }
  }

  private async tellOfUnknown(repositories: Repositories, slave: SlaveRecord, report: ObservedInstance): Promise<void> {
    const key = `${slave.id} ${report.instanceId}`;
    if (this.toldOf.has(key)) return;
    this.toldOf.add(key);
    await repositories.events.append(
      {
        kind: 'slave.unknown-instance',
        subjectType: 'slave',
        subjectId: slave.id,
        actor: `slave ${slave.name}`,
        actorUserId: null,
        clientAddress: null,
        sentence: `${slave.name} has a domain ${report.instanceId} with our mark that this master never made. It is left alone.`,
      },
      this.deps.clock.now(),
    );
  }
}

/** Its domain is gone, people were told, and nobody has asked for it since: the slave must not make it anew by itself. */
export function abandoned(instance: InstanceRecord): boolean {
  return instance.observed === 'lost' && instance.reason?.code === 'DomainLost' && instance.observedGeneration === instance.generation;
}

function silence(slave: SlaveRecord, instance: InstanceRecord, timeZone: string): Reason {
  return { code: 'SlaveOffline', sentence: `${offlineSince(slave, timeZone)} ${instance.name} waits for it; nothing is started elsewhere.` };
}
