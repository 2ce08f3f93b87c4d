import type { z } from 'zod';
import type { snapshotRestoredSchema } from '@paravcl/shared/api/snapshots';
import type { Clock } from '@paravcl/shared/clock';
import { ParavclError } from '@paravcl/shared/errors';
import { diskEpochProtocolVersion } from '@paravcl/shared/protocol/version';
import type { InstanceRecord } from '../core/instance-record';
import { nextGeneration } from '../core/next-generation';
import { savedOnOf, whyNotWithRam } from '../core/saved-ram';
import type { SnapshotPart } from '../core/snapshot-record';
import type { UnitOfWork } from '../db/unit-of-work';
import type { InstanceChange } from '../repositories/instance-repository';
import type { OperationRecord } from '../repositories/operation-repository';
import type { Repositories } from '../repositories/repositories';
import type { SlaveRecord } from '../repositories/slave-record';
import { eventBy, type Acting } from './acting';
import { changedUnderLock } from './changed-under-lock';
import { desiredStates } from './desired-state';
import { operableInstance } from './instance-access';
import { changeInstance, newOperation } from './instance-changes';
import type { InstanceSettings, Quotas } from './instance-settings';
import { operationView } from './instance-view';
import { leaveSlave } from './leave-slave';
import { authorise } from './policy';
import type { AgentPort, SchedulerWake } from './ports';
import { requireInstanceQuota } from './quota-check';
import { requireOutOfBin } from './recycle-bin';

export interface SnapshotRestoreDeps {
  readonly unitOfWork: UnitOfWork;
  readonly agents: Pick<AgentPort, 'isConnected' | 'protocolOf' | 'pushDesired'>;
  readonly scheduler: SchedulerWake;
  readonly clock: Clock;
  readonly settings: InstanceSettings;
  readonly quotas: Quotas;
  /** Told of a desired state that could not be sent; the restore itself is written. */
  readonly onFault: (error: unknown) => void;
}

export type SnapshotRestored = z.output<typeof snapshotRestoredSchema>;

/** What a snapshot holds of one instance. */
interface Held {
  readonly name: string;
  readonly disk: SnapshotPart;
  readonly ram: SnapshotPart | null;
}

/**
 * Takes instances back to what a snapshot holds of them: name, MAC, address and owner stay, so that who talked to another goes on
 * talking. On its slave it is a reset that begins from other content; where the slave cannot go on with the RAM it leaves it, and
 * goes on elsewhere.
 */
export class SnapshotRestore {
  constructor(private readonly deps: SnapshotRestoreDeps) {}

  /** Each by itself: one that is refused keeps none of the others. Throws `not-found`, and `conflict` for a snapshot that is not there yet. */
  async carryOut(acting: Acting, snapshotId: string, instanceIds: readonly string[] | undefined): Promise<SnapshotRestored> {
    const { unitOfWork, scheduler } = this.deps;
    const { snapshots } = unitOfWork.read;
    const snapshot = await snapshots.find(snapshotId);
    const missing = `There is no snapshot ${snapshotId}, or it is not yours to see.`;
    if (snapshot?.purpose !== 'keep') throw new ParavclError('not-found', missing);
    authorise(acting.principal, 'snapshot.see', 'snapshot.see', { ownerUserId: snapshot.userId, groupId: null }, `snapshot ${snapshotId}`);
    if (snapshot.state !== 'ready') throw new ParavclError('conflict', `The snapshot ${snapshot.name} is ${snapshot.state === 'pending' ? 'not there yet. Wait until it is ready' : 'none: it failed. Take another one'}.`);
    const parts = await snapshots.parts([snapshotId]);
    const disks = parts.filter(({ what, instanceId }) => what === 'disk' && (instanceIds?.includes(instanceId) ?? true));
    if (disks.length === 0) throw new ParavclError('not-found', `The snapshot ${snapshot.name} holds none of these instances.`, { field: 'instanceIds' });

    const restored: SnapshotRestored['restored'] = [];
    const refused: SnapshotRestored['refused'] = [];
    const pushes: InstanceRecord[] = [];
    for (const disk of disks) {
      const { instanceId, instanceName } = disk;
      const ram = parts.find((part) => part.what === 'ram' && part.instanceId === instanceId) ?? null;
      try {
        const { instance, operation } = await unitOfWork.transaction((repositories) => this.restore(repositories, acting, { name: snapshot.name, disk, ram }));
        restored.push({ instanceId, instanceName, operation: operationView(operation) });
        if (instance.slaveId !== null) pushes.push(instance);
      } catch (error) {
        if (!(error instanceof ParavclError)) throw error;
        refused.push({ instanceId, instanceName, sentence: error.message });
      }
    }
    await this.push(pushes);
    scheduler.wake();
    return { restored, refused };
  }

  private async restore(repositories: Repositories, acting: Acting, held: Held): Promise<{ readonly instance: InstanceRecord; readonly operation: OperationRecord }> {
    const { clock, settings } = this.deps;
    const { principal } = acting;
    const now = clock.now();
    const { disk, ram } = held;
    const instance = await operableInstance(repositories, principal, disk.instanceId);
    requireOutOfBin(instance, settings.timeZone, now);
    const { name, slaveId, desired } = instance;
    if (desired === 'deleted') throw new ParavclError('conflict', `${name} is being deleted. Launch a new one from the image of the snapshot.`);
    const contents = [disk, ...(ram === null ? [] : [ram])].map(({ imageId }) => imageId);
    // Nobody deletes them meanwhile.
    for (const imageId of contents) if ((await repositories.images.lockShared(imageId)) === null) throw new ParavclError('conflict', `What the snapshot ${held.name} held of ${name} was deleted.`);
    const slave = slaveId === null ? null : await repositories.slaves.find(slaveId);
    if (slave !== null) await this.requireThere(repositories, instance, slave);

    const runs = disk.how !== 'off';
    if (runs && desired !== 'running') await requireInstanceQuota(repositories, principal, instance.groupId, instance, this.deps.quotas);
    const by = `user ${principal.userName}`;
    const context = { by, now, slaveName: slave?.name ?? null, settings, supersede: `${principal.userName} asked for something else: restore.` };
    const content = { diskImageId: disk.imageId, ramImageId: ram?.imageId ?? null, ramSavedOn: ram?.savedOn ?? null };
    const stays = slave !== null && this.staysOn(slave, ram);
    const after = stays
      ? await changeInstance(repositories, instance, { ...content, ...(await this.anew(repositories, instance, runs, now)) }, context)
      : await leaveSlave(repositories, instance, disk.imageId, { ...content, ...(runs ? { observed: 'queued', desired: 'running' } : { observed: 'stopped', desired: 'stopped' }), reason: null }, context);
    if (after === null) throw changedUnderLock(name);
    const operation = newOperation('instance.restore', after, context.slaveName, principal.userId, now, null);
    await repositories.operations.insert(operation);
    const sentence = `${principal.userName} took ${name} back to the snapshot ${held.name}${ram === null ? '' : ', with its RAM'}.`;
    await repositories.events.append(eventBy(acting, { kind: 'instance.restored-snapshot', subjectType: 'instance', subjectId: instance.id, sentence }), now);
    return { instance: after, operation };
  }

  /** On its slave: a higher epoch of its disk. What held its room goes on in it, what did not waits for room first. */
  private async anew(repositories: Repositories, instance: InstanceRecord, runs: boolean, now: number): Promise<InstanceChange> {
    const generation = nextGeneration(instance, await repositories.placements.ofInstance(instance.id));
    const diskEpoch = Math.max(instance.diskEpoch, instance.observedDiskEpoch) + 1;
    const begun = { generation, diskEpoch, booted: false, stopForced: false, reason: null, nominatedSlaveId: null };
    if (runs && instance.desired === 'running') return { ...begun, desired: 'running', observed: 'preparing' };
    return { ...begun, desired: 'stopped', ...(runs ? { queuedAt: now, queuedBecause: 'asked' } : { queuedAt: null, queuedBecause: null }) };
  }

  private staysOn(slave: SlaveRecord, ram: SnapshotPart | null): boolean {
    if (slave.admission !== 'approved' || ram?.savedOn == null) return slave.admission === 'approved';
    return whyNotWithRam(ram.savedOn, savedOnOf(slave.describe), this.deps.agents.protocolOf(slave.id)) === null;
  }

  /** Nobody takes an instance from a slave that may still run it. */
  private async requireThere(repositories: Repositories, { name, observed }: InstanceRecord, slave: SlaveRecord): Promise<void> {
    const protocol = this.deps.agents.protocolOf(slave.id);
    if (protocol !== null && protocol < diskEpochProtocolVersion) throw new ParavclError('conflict', `${slave.name} runs an agent of an earlier release, which cannot begin ${name} anew. Update the agent there, which touches no guest, and ask again.`);
    if (observed !== 'lost' || (await repositories.slaves.isDeclaredDead(slave.id))) return;
    throw new ParavclError('conflict', `${slave.name} is silent, and ${name} may still run there. Wait until it is back, or an administrator declares it dead.`);
  }

  private async push(instances: readonly InstanceRecord[]): Promise<void> {
    const { unitOfWork, agents, settings, onFault } = this.deps;
    for (const instance of instances) {
      if (instance.slaveId !== null) agents.pushDesired(instance.slaveId, await desiredStates(unitOfWork.read, [instance], settings.guestUser, onFault));
    }
  }
}
