import { emptyContent } from '@paravcl/shared/chunks/delta';
import type { Clock } from '@paravcl/shared/clock';
import { ParavclError } from '@paravcl/shared/errors';
import { newId } from '@paravcl/shared/ids';
import { shellWord } from '@paravcl/shared/shell-quote';
import { diskImageOf, hasNothingThere, isInStore, settled, type InstanceRecord } from '../core/instance-record';
import { fit } from '../core/say';
import { sayStanding } from '../core/snapshot-steps';
import { homePart, wantedPart, type SnapshotPart } from '../core/snapshot-record';
import { tellDatedMoment } from '../core/tell-time';
import type { UnitOfWork } from '../db/unit-of-work';
import type { OperationRecord } from '../repositories/operation-repository';
import type { InstanceChange } from '../repositories/instance-repository';
import type { Repositories } from '../repositories/repositories';
import { eventBy, type Acting } from './acting';
import { requireFreezer, requireHomeKeeper, requireRamKeeper } from './freezing-slave';
import { whyRamStays } from './given-up-home';
import { operableInstance } from './instance-access';
import { newOperation } from './instance-changes';
import { sizeAndBase } from './home-content';
import type { InstanceSettings } from './instance-settings';
import { leaveSlave } from './leave-slave';
import { requireNoMigration } from './live-migration-guard';
import type { AgentPort, SchedulerWake } from './ports';
import { requireOutOfBin } from './recycle-bin';
import type { SnapshotSettings } from './snapshot-service';
import { requireWithinReach } from './within-reach';

export interface InstanceRelocationDeps {
  readonly unitOfWork: UnitOfWork;
  readonly agents: Pick<AgentPort, 'isConnected' | 'protocolOf'>;
  readonly scheduler: SchedulerWake;
  readonly clock: Clock;
  readonly settings: Pick<InstanceSettings, 'deadlinesMs' | 'timeZone'>;
  readonly snapshots: Pick<SnapshotSettings, 'freezeMs' | 'deadlineMs'>;
  /** Told that there is something to do. */
  readonly making: { wake(): void };
}

export interface Relocated {
  readonly instance: InstanceRecord;
  readonly operation: OperationRecord;
}

/** The slave that an instance is lost with. `mayReturn`: it is in the pool still, and ends what it has should it come back. */
interface StrandedOn {
  readonly name: string;
  readonly mayReturn: boolean;
}

/** What an instance begins from elsewhere, and what it is then. */
interface Beginning {
  readonly imageId: string;
  readonly change: InstanceChange;
  readonly what: string;
}

/**
 * Persistent instances (S1): name, MAC, address and disk stay with their owner, the slave may be another. A disk moves through
 * the store, as a snapshot of which the instance is the only user; where it starts next it begins from that.
 */
export class InstanceRelocation {
  constructor(private readonly deps: InstanceRelocationDeps) {}

  /**
   * Brings the disk of an instance that is off, or disk and RAM of one that is saved, to the store and frees its slave. Until all
   * of it is there the instance stays where it is; started or resumed meanwhile it stays for good. One that is off with nothing of
   * worth on its slave leaves it at once: what it begins from is in the store. Throws `conflict` with the way out, `slave-offline`.
   */
  async move(acting: Acting, id: string, reservedId: string | null): Promise<Relocated> {
    const { unitOfWork, clock, making, snapshots: settings } = this.deps;
    const { principal } = acting;
    const now = clock.now();
    const moved = await unitOfWork.transaction(async (repositories): Promise<Relocated> => {
      const instance = await operableInstance(repositories, principal, id);
      const earlier = reservedId === null ? null : await repositories.operations.find(reservedId);
      if (earlier?.userId === principal.userId) return { instance, operation: earlier };
      const underWay = await repositories.snapshots.pendingMoveOf(id);
      if (underWay !== null && underWay.generation === instance.generation) {
        const operation = await repositories.operations.newestOf(underWay.id, 'instance.move');
        if (operation !== null) return { instance, operation };
      }
      requireOutOfBin(instance, this.deps.settings.timeZone, now);
      await requireNoMigration(repositories, instance);
      if (hasNothingThere(instance) && instance.queuedAt === null) return this.leaveWithNothing(repositories, acting, instance, reservedId, now);
      const slaveId = await this.requireMovable(repositories, instance);
      const snapshotId = newId(now);
      const of = { snapshotId, instanceId: id, instanceName: instance.name, slaveId };
      const disk = wantedPart({ ...of, imageId: newId(now) });
      const parts = instance.desired === 'suspended' ? [disk, wantedPart({ ...of, imageId: newId(now), what: 'ram' }), ...(await this.openHome(repositories, of, now))] : [disk];
      const sentence = sayStanding(parts, () => '', 'move');
      await repositories.snapshots.insert(
        {
          id: snapshotId, name: `Move of ${instance.name}`, userId: principal.userId, deploymentId: null, familyId: null, production: false, purpose: 'move', generation: instance.generation,
          state: 'pending', sentence, freezeBy: now + settings.freezeMs, deadlineAt: now + settings.deadlineMs, createdAt: now, endedAt: null, leftOut: null,
        },
        parts,
      );
      const operation: OperationRecord = { id: reservedId ?? newId(now), kind: 'instance.move', subjectType: 'snapshot', subjectId: snapshotId, generation: 1, state: 'pending', sentence, userId: principal.userId, createdAt: now, changedAt: now };
      await repositories.operations.insert(operation);
      await repositories.events.append(eventBy(acting, { kind: 'instance.moving', subjectType: 'instance', subjectId: id, sentence: `${principal.userName} has ${instance.name} leave its host.` }), now);
      return { instance, operation };
    });
    making.wake();
    return moved;
  }

  /**
   * Has an instance whose slave an administrator declared dead, or that left the pool for good, begin elsewhere, from its last snapshot or the one that is named: it starts when it was to run.
   * What nobody has heard to have run there goes on with what the store has of it, its RAM too. What it did since is lost; should the slave come back, the first thing it hears is that the instance is none of its any more.
   * Throws `conflict` with what has to come first.
   */
  async recover(acting: Acting, id: string, snapshotId: string | undefined, reservedId: string | null): Promise<Relocated> {
    const { unitOfWork, clock, scheduler, settings } = this.deps;
    const { principal } = acting;
    const now = clock.now();
    const recovered = await unitOfWork.transaction(async (repositories): Promise<Relocated> => {
      const instance = await operableInstance(repositories, principal, id);
      const earlier = reservedId === null ? null : await repositories.operations.find(reservedId);
      if (earlier?.userId === principal.userId) return { instance, operation: earlier };
      requireOutOfBin(instance, settings.timeZone, now);
      await requireNoMigration(repositories, instance);
      const slave = await this.requireDeadSlave(repositories, instance);
      const neverRan = snapshotId === undefined && !instance.booted;
      const { imageId, change, what } = neverRan ? asItCame(instance) : await this.fromSnapshot(repositories, instance, snapshotId, slave, now);
      const context = { by: `user ${principal.userName}`, now, slaveName: null, settings, supersede: `${principal.userName} asked for something else: recover.`, neverRan };
      const { instance: after } = await leaveSlave(repositories, instance, imageId, { ...change, reason: null }, context);
      const operation = newOperation('instance.recover', after, null, principal.userId, now, reservedId);
      await repositories.operations.insert(operation);
      const sentence = `${principal.userName} has ${instance.name} begin elsewhere ${what}: ${slave.name} ${slave.mayReturn ? 'was declared dead' : 'has left the pool'}. What it did since is lost.`;
      await repositories.events.append(eventBy(acting, { kind: 'instance.recovered', subjectType: 'instance', subjectId: id, sentence: fit(sentence) }), now);
      return { instance: after, operation };
    });
    scheduler.wake();
    return recovered;
  }

  private async fromSnapshot(repositories: Repositories, { id, name, desired }: InstanceRecord, snapshotId: string | undefined, slave: StrandedOn, now: number): Promise<Beginning> {
    const image = await repositories.snapshots.newestImageOf(id, snapshotId);
    // Nobody deletes it meanwhile: it will be all that is left.
    if (image === null || (await repositories.images.lockShared(image.imageId)) === null) {
      const which = snapshotId === undefined ? `There is no snapshot of ${name}` : `Snapshot ${snapshotId} is none of ${name}, or is gone`;
      throw new ParavclError('conflict', `${which}, so there is nothing to start it from. ${slave.mayReturn ? `Wait for ${slave.name}, or delete` : 'Delete'} the instance.`, snapshotId === undefined ? {} : { field: 'snapshotId' });
    }
    // What was off or saved is off, and may be started.
    const change = desired === 'running' ? ({ observed: 'queued', desired: 'running' } as const) : ({ observed: 'stopped', desired: 'stopped' } as const);
    return { imageId: image.imageId, change, what: `from its snapshot ${image.name} of ${tellDatedMoment(image.createdAt, this.deps.settings.timeZone, now)}` };
  }

  private async leaveWithNothing(repositories: Repositories, acting: Acting, instance: InstanceRecord, reservedId: string | null, now: number): Promise<Relocated> {
    const { principal } = acting;
    const { id, name, ramImageId, ramSavedOn } = instance;
    const slaveName = (instance.slaveId === null ? null : await repositories.slaves.find(instance.slaveId))?.name ?? 'its host';
    const sentence = `${name} left ${slaveName}, where nothing was on its disk: what it begins from is in the store, and it starts wherever there is room.`;
    // What it waits to begin from goes with it: its image, or what it was taken back to.
    const change = { observed: 'stopped', reason: { code: 'StoppedByUser', sentence }, ramImageId, ramSavedOn } as const;
    const { instance: after } = await leaveSlave(repositories, instance, diskImageOf(instance), change, { by: `user ${principal.userName}`, now, slaveName, settings: this.deps.settings });
    const operation: OperationRecord = { ...newOperation('instance.move', after, null, principal.userId, now, reservedId), sentence: fit(sentence) };
    await repositories.operations.insert(operation);
    await repositories.events.append(eventBy(acting, { kind: 'instance.moving', subjectType: 'instance', subjectId: id, sentence: `${principal.userName} has ${name} leave its host.` }), now);
    return { instance: after, operation };
  }

  /** The home volume that its RAM has open leaves with it. */
  private async openHome(repositories: Repositories, of: Pick<SnapshotPart, 'snapshotId' | 'instanceId' | 'instanceName' | 'slaveId'>, now: number): Promise<readonly SnapshotPart[]> {
    const home = (await repositories.homes.attachedTo([of.instanceId])).get(of.instanceId);
    if (home === undefined || home.slaveId !== of.slaveId) return [];
    const { sizeBytes, base } = await sizeAndBase(repositories, home);
    return [homePart({ ...of, imageId: newId(now), sizeBytes, baseManifestId: base === emptyContent ? null : base })];
  }

  private async requireMovable(repositories: Repositories, instance: InstanceRecord): Promise<string> {
    const { name, slaveId, desired, observed } = instance;
    if (desired === 'deleted') throw new ParavclError('conflict', `${name} is being deleted.`);
    await requireWithinReach(repositories, instance, slaveId === null ? null : await repositories.slaves.find(slaveId));
    if (isInStore(instance)) throw new ParavclError('conflict', `${name} is on no host: what it goes on with is in the store. ${desired === 'suspended' ? 'Resume' : 'Start'} it, and it goes on wherever there is room.`);
    const isStill = (desired === 'stopped' || desired === 'suspended') && settled(instance) && instance.queuedAt === null;
    if (slaveId === null || !isStill) throw new ParavclError('conflict', `${name} is ${observed}. Suspend it first, and it moves with its RAM, or stop it.`);
    const stays = desired === 'suspended' ? await whyRamStays(repositories, instance) : null;
    if (stays !== null) throw new ParavclError('conflict', stays);
    const hasHome = desired === 'suspended' && (await repositories.homes.attachedTo([instance.id])).size > 0;
    await (hasHome ? requireHomeKeeper : desired === 'suspended' ? requireRamKeeper : requireFreezer)(repositories, this.deps.agents, name, slaveId);
    return slaveId;
  }

  private async requireDeadSlave(repositories: Repositories, { name, slaveId, observed, desired }: InstanceRecord): Promise<StrandedOn> {
    if (desired === 'deleted') throw new ParavclError('conflict', `${name} is being deleted.`);
    const slave = slaveId === null ? null : await repositories.slaves.find(slaveId);
    if (slave === null || observed !== 'lost') throw new ParavclError('conflict', `${name} is ${observed}: only what is lost with its host is started elsewhere from a snapshot.`);
    if (slave.admission === 'retired') return { name: slave.name, mayReturn: false };
    if (await repositories.slaves.isDeclaredDead(slave.id)) return { name: slave.name, mayReturn: true };
    throw new ParavclError('conflict', `${slave.name} is silent, and ${name} may still run there. An administrator who knows that it does not can declare the host dead: paravcl slaves declare-dead ${shellWord(slave.name)}.`);
  }
}

/** Disk and RAM are in the store as they were when it came to the slave. */
function asItCame(instance: InstanceRecord): Beginning {
  const { desired, ramImageId, ramSavedOn } = instance;
  const isSaved = desired === 'suspended' && ramImageId !== null;
  const state = desired === 'running' ? ({ observed: 'queued', desired } as const) : isSaved ? ({ observed: 'suspended', desired } as const) : ({ observed: 'stopped', desired: 'stopped' } as const);
  const ram = desired === 'stopped' ? {} : { ramImageId, ramSavedOn };
  return { imageId: diskImageOf(instance), change: { ...state, ...ram }, what: 'with what the store has of it' };
}
