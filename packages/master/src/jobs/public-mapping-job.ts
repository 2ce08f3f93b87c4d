import type { Clock } from '@paravcl/shared/clock';
import { publicMappingProtocolVersion } from '@paravcl/shared/protocol/version';
import type { InstanceRecord } from '../core/instance-record';
import type { UnitOfWork } from '../db/unit-of-work';
import type { PublicMappingRecord } from '../repositories/public-mapping-repository';
import { desiredStates } from '../services/desired-state';
import type { InstanceSettings } from '../services/instance-settings';
import type { AgentPort } from '../services/ports';
import { takeBack, tellAnew } from '../services/public-orders';
import { isInPool, sayPublic, type PublicPoolSettings } from '../services/public-pool';

export const publicMappingsEveryMs = 5000;

export interface PublicMappingJobDeps {
  readonly unitOfWork: UnitOfWork;
  readonly agents: Pick<AgentPort, 'pushDesired' | 'protocolOf'>;
  readonly clock: Clock;
  readonly settings: Pick<InstanceSettings, 'guestUser' | 'deadlinesMs'>;
  readonly pool: PublicPoolSettings;
}

/**
 * Keeps what leads to guests true to the pool: what was taken back is free once its slave has answered; what the site has no longer is
 * taken back; and a slave whose agent was too old to map anything is told anew after its upgrade, for it takes no other order
 * under a generation that it knows.
 */
export class PublicMappingJob {
  /** Instances that were told to an agent that maps nothing. */
  private readonly untold = new Set<string>();

  constructor(private readonly deps: PublicMappingJobDeps) {}

  async run(onFault: (error: unknown) => void): Promise<void> {
    const { unitOfWork: { read } } = this.deps;
    await read.publicMappings.removeAnswered();
    const ofInstance = new Map<string, PublicMappingRecord[]>();
    for (const record of await read.publicMappings.list({})) ofInstance.set(record.instanceId, [...(ofInstance.get(record.instanceId) ?? []), record]);
    for (const instance of await read.instances.among([...ofInstance.keys()])) {
      try {
        await this.look(instance, ofInstance.get(instance.id) ?? [], onFault);
      } catch (error) {
        onFault(error);
      }
    }
  }

  private async look(instance: InstanceRecord, records: readonly PublicMappingRecord[], onFault: (error: unknown) => void): Promise<void> {
    const { unitOfWork, agents, settings } = this.deps;
    const protocol = instance.slaveId === null ? null : agents.protocolOf(instance.slaveId);
    const isAble = protocol !== null && protocol >= publicMappingProtocolVersion;
    if (protocol !== null && !isAble) this.untold.add(instance.id);
    const gone = records.filter((record) => !isInPool(this.deps.pool, record.mapping));
    if (gone.length === 0 && !(isAble && this.untold.has(instance.id))) return;
    const after = await this.renew(instance.id, gone.map(({ id }) => id));
    if (after === null) return;
    if (isAble) this.untold.delete(instance.id);
    if (after.slaveId !== null) agents.pushDesired(after.slaveId, await desiredStates(unitOfWork.read, [after], settings.guestUser, onFault));
  }

  /** Null for what is on its way to another slave, which is looked at again, and for what is being deleted. */
  private async renew(instanceId: string, goneIds: readonly string[]): Promise<InstanceRecord | null> {
    const { unitOfWork, clock, settings } = this.deps;
    const now = clock.now();
    return unitOfWork.transaction(async (repositories) => {
      const { instances, liveMigrations, publicMappings, events } = repositories;
      const instance = await instances.lock(instanceId);
      if (instance === null || instance.desired === 'deleted' || instance.observed === 'relocating' || (await liveMigrations.openOf([instanceId])).has(instanceId)) return null;
      const context = { by: 'configuration', now, settings };
      const gone = (await publicMappings.ofInstance(instanceId)).filter(({ id, leavingGeneration }) => leavingGeneration === null && goneIds.includes(id));
      if (gone.length === 0) return tellAnew(repositories, instance, context);
      for (const { mapping } of gone) {
        await events.append({ kind: 'instance.unpublished', subjectType: 'instance', subjectId: instanceId, actor: 'master', actorUserId: null, clientAddress: null, sentence: `${sayPublic(mapping)} leads to ${instance.name} no longer: it is not in the site’s public pool any more.`.replace(/^./, (first) => first.toUpperCase()) }, now);
      }
      return takeBack(repositories, instance, gone, context);
    });
  }
}
