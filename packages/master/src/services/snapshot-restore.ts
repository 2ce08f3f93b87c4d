import type { z } from 'zod';
import type { snapshotRestoredSchema } from '@paravcl/shared/api/snapshots';
import type { Clock } from '@paravcl/shared/clock';
import { ParavclError } from '@paravcl/shared/errors';
import { derivedId } from '@paravcl/shared/ids';
import { diskEpochProtocolVersion, movingRamProtocolVersion } from '@paravcl/shared/protocol/version';
import { settled, type InstanceRecord } from '../core/instance-record';
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
import { desiredStates, tombstone } from './desired-state';
import { operableInstance } from './instance-access';
import { changeInstance, newOperation } from './instance-changes';
import type { InstanceSettings, Quotas } from './instance-settings';
import { operationView } from './instance-view';
import { leaveSlave } from './leave-slave';
import { requireNoMigration } from './live-migration-guard';
import { authorise } from './policy';
import type { AgentPort, SchedulerWake } from './ports';
import { requireInstanceQuota } from './quota-check';
import { requireOutOfBin } from './recycle-bin';
import { sayDeleted } from './snapshot-view';

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

interface Restored {
  readonly instance: InstanceRecord;
  readonly operation: OperationRecord;
  /** The slave that it left, which is to prove that nothing of it remains. */
  readonly left: { readonly slaveId: string; readonly generation: number } | null;
}

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

  /** Each by itself, once under the same `reservedId`: one that is refused keeps none of the others. Throws `not-found`, and `conflict` for a snapshot that is not there yet. */
  async carryOut(acting: Acting, snapshotId: string, instanceIds: readonly string[] | undefined, reservedId: string | null): Promise<SnapshotRestored> {
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

    await this.requireAllThere(snapshot.name, parts, disks, instanceIds === undefined);
    const restored: SnapshotRestored['restored'] = [];
    const refused: SnapshotRestored['refused'] = [];
    const changed: Restored[] = [];
    try {
      for (const disk of disks) {
        const { instanceId, instanceName } = disk;
        const ram = parts.find((part) => part.what === 'ram' && part.instanceId === instanceId) ?? null;
        try {
          const one = await unitOfWork.transaction((repositories) => this.restore(repositories, acting, { name: snapshot.name, disk, ram }, reservedId === null ? null : derivedId(reservedId, instanceId)));
          restored.push({ instanceId, instanceName, operation: operationView(one.operation) });
          changed.push(one);
        } catch (error) {
          if (!(error instanceof ParavclError)) throw error;
          refused.push({ instanceId, instanceName, sentence: error.message });
        }
      }
    } finally {
      await this.push(changed);
      scheduler.wake();
    }
    return { restored, refused };
  }

  /** A whole that is not whole any more is nobody's wish: throws `conflict` before anything is changed, with the way to take the rest. */
  private async requireAllThere(name: string, parts: readonly SnapshotPart[], disks: readonly SnapshotPart[], isWhole: boolean): Promise<void> {
    if (!isWhole || disks.length === 1) return;
    const there = await this.deps.unitOfWork.read.images.findAll(parts.map(({ imageId }) => imageId));
    const gone = new Set(parts.filter(({ imageId }) => !there.has(imageId)).map(({ instanceId }) => instanceId));
    if (gone.size === 0) return;
    const names = disks.filter(({ instanceId }) => gone.has(instanceId)).map(({ instanceName }) => instanceName);
    throw new ParavclError('conflict', `The snapshot ${name} is not whole any more, and nothing was changed. ${sayDeleted(names, disks.length)} To take the others back, name them in instanceIds.`, { field: 'instanceIds' });
  }

  private async restore(repositories: Repositories, acting: Acting, held: Held, operationId: string | null): Promise<Restored> {
    const { clock, settings } = this.deps;
    const { principal } = acting;
    const now = clock.now();
    const { disk, ram } = held;
    const instance = await operableInstance(repositories, principal, disk.instanceId);
    const earlier = operationId === null ? null : await repositories.operations.find(operationId);
    if (earlier?.userId === principal.userId) return { instance, operation: earlier, left: null };
    const { name, slaveId, desired } = instance;
    // Its own name is free again by then, and what its row is called instead says nothing to anybody.
    if (desired === 'deleted') throw new ParavclError('conflict', `${disk.instanceName} ${instance.observed === 'deleted' ? 'was' : 'is being'} deleted. Launch a new one from the image of the snapshot (imageId ${disk.imageId}).`);
    requireOutOfBin(instance, settings.timeZone, now);
    await requireNoMigration(repositories, instance);
    // Nobody deletes them meanwhile.
    const image = await repositories.images.lockShared(disk.imageId);
    const hasRam = ram === null || (await repositories.images.lockShared(ram.imageId)) !== null;
    if (image === null || !hasRam) throw new ParavclError('conflict', `What the snapshot ${held.name} held of ${name} was deleted.`);
    const slave = slaveId === null ? null : await repositories.slaves.find(slaveId);
    const stays = slave !== null && (await this.staysOn(repositories, instance, slave, ram));

    const runs = disk.how !== 'off';
    if (runs && desired !== 'running') await requireInstanceQuota(repositories, principal, instance.groupId, instance, this.deps.quotas);
    const by = `user ${principal.userName}`;
    const context = { by, asker: principal, now, slaveName: slave?.name ?? null, settings, supersede: `${principal.userName} asked for something else: restore.` };
    // A disk boots with the kernel that it was used with.
    const boots = { kernelId: image.defaultKernelId, ramdiskId: image.defaultRamdiskId, kernelArguments: image.kernelArguments };
    const content = { ...boots, diskImageId: disk.imageId, ramImageId: ram?.imageId ?? null, ramSavedOn: ram?.savedOn ?? null };
    const changed = stays
      ? { instance: await changeInstance(repositories, instance, { ...content, ...(await this.anew(repositories, instance, runs, now)) }, context), tombstone: null }
      : await leaveSlave(repositories, instance, disk.imageId, { ...content, ...(runs ? { observed: 'queued', desired: 'running' } : { observed: 'stopped', desired: 'stopped' }), reason: null }, context);
    const after = changed.instance;
    if (after === null) throw changedUnderLock(name);
    const operation = newOperation('instance.restore', after, context.slaveName, principal.userId, now, operationId);
    await repositories.operations.insert(operation);
    const sentence = `${principal.userName} took ${name} back to the snapshot ${held.name}${ram === null ? '' : ', with its RAM'}.`;
    await repositories.events.append(eventBy(acting, { kind: 'instance.restored-snapshot', subjectType: 'instance', subjectId: instance.id, sentence }), now);
    return { instance: after, operation, left: changed.tombstone };
  }

  /** On its slave: a higher epoch of its disk. What held its room goes on in it, what did not waits for room first. */
  private async anew(repositories: Repositories, instance: InstanceRecord, runs: boolean, now: number): Promise<InstanceChange> {
    const generation = nextGeneration(instance, await repositories.placements.ofInstance(instance.id));
    const diskEpoch = Math.max(instance.diskEpoch, instance.observedDiskEpoch) + 1;
    const begun = { generation, diskEpoch, booted: false, stopForced: false, reason: null, nominatedSlaveId: null };
    if (runs && instance.desired === 'running') return { ...begun, desired: 'running', observed: 'preparing' };
    return { ...begun, desired: 'stopped', ...(runs ? { queuedAt: now, queuedBecause: 'asked', waitsSince: now } : { queuedAt: null, queuedBecause: null }) };
  }

  /**
   * Whether it begins anew on its slave; else it leaves that, which is allowed only where nothing of it runs: nobody starts what
   * may still run. Throws `conflict` with the way out.
   */
  private async staysOn(repositories: Repositories, instance: InstanceRecord, slave: SlaveRecord, ram: SnapshotPart | null): Promise<boolean> {
    const { name, observed, reason } = instance;
    if (slave.admission === 'retired' || (await repositories.slaves.isDeclaredDead(slave.id))) return false;
    if (observed === 'lost' && reason?.code !== 'DomainLost') throw new ParavclError('conflict', `${slave.name} is silent, and ${name} may still run there. Wait until it is back, or an administrator declares it dead.`);
    const protocol = this.deps.agents.protocolOf(slave.id);
    const needed = ram === null ? diskEpochProtocolVersion : movingRamProtocolVersion;
    if (protocol === null) throw new ParavclError('slave-offline', `${slave.name} is not connected, so ${name} cannot be taken back there. Ask again when it is back.`);
    if (protocol < needed) throw new ParavclError('conflict', `${slave.name} runs an agent of an earlier release (protocol ${protocol}; it takes ${needed}), which cannot take ${name} back. Update the agent there, which touches no guest, and ask again.`);
    const other = ram?.savedOn == null ? null : whyNotWithRam(ram.savedOn, savedOnOf(slave.describe), protocol);
    if (slave.admission === 'approved' && other === null) return true;
    const isOff = settled(instance) && (observed === 'stopped' || observed === 'suspended');
    if (!isOff) throw new ParavclError('conflict', `${name} has to leave ${slave.name} for it (${other ?? `${slave.name} is ${slave.admission}`}), and is ${observed} there. Stop it first, and ask again.`);
    return false;
  }

  private async push(changed: readonly Restored[]): Promise<void> {
    const { unitOfWork, agents, settings, onFault } = this.deps;
    for (const { instance, left } of changed) {
      if (left !== null) agents.pushDesired(left.slaveId, [tombstone(instance.id, left.generation)]);
      if (instance.slaveId !== null) agents.pushDesired(instance.slaveId, await desiredStates(unitOfWork.read, [instance], settings.guestUser, onFault));
    }
  }
}
