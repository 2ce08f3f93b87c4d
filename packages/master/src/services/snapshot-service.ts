import type { Operation } from '@paravcl/shared/api/operations';
import type { Page } from '@paravcl/shared/api/page';
import type { CreateSnapshotBody } from '@paravcl/shared/api/snapshots';
import type { ManifestId } from '@paravcl/shared/chunks/manifest';
import type { Clock } from '@paravcl/shared/clock';
import type { ObservedState } from '@paravcl/shared/domain/instance-state';
import type { Principal } from '@paravcl/shared/domain/people';
import type { Snapshot, SnapshotState } from '@paravcl/shared/domain/snapshot';
import { ParavclError } from '@paravcl/shared/errors';
import { newId } from '@paravcl/shared/ids';
import { beginsAnew, isInStore, type InstanceRecord } from '../core/instance-record';
import { fit } from '../core/say';
import { tellDatedMoment } from '../core/tell-time';
import { sayStanding } from '../core/snapshot-steps';
import { wantedPart, type SnapshotPart, type SnapshotRecord } from '../core/snapshot-record';
import type { UnitOfWork } from '../db/unit-of-work';
import type { PageRequest } from '../repositories/newest-first';
import type { OperationRecord } from '../repositories/operation-repository';
import type { Repositories } from '../repositories/repositories';
import { eventBy, type Acting } from './acting';
import { requireFreezer, requireRamKeeper } from './freezing-slave';
import { maySeeImage } from './image-access';
import { operationView } from './instance-view';
import { authorise, may, reach } from './policy';
import { whyRamStays } from './given-up-home';
import { requireNoHome } from './home-attachment';
import { requireNoMigration } from './live-migration-guard';
import type { AgentPort } from './ports';
import { requireOutOfBin } from './recycle-bin';
import { removeSnapshotImages } from './snapshot-images';
import { snapshotMembers, type SnapshotSubjects } from './snapshot-members';
import { snapshotView, snapshotViews } from './snapshot-view';

export interface SnapshotSettings {
  /** All disks are frozen within this, or none counts. */
  readonly freezeMs: number;
  /** Guests whose RAM is kept are saved within this before. */
  readonly saveMs: number;
  /** All of it is in the store within this. */
  readonly deadlineMs: number;
  /** Disks that a student may keep in snapshots. */
  readonly perStudent: number;
  /** IANA zone in which times are told. */
  readonly timeZone: string;
}

export interface SnapshotServiceDeps {
  readonly unitOfWork: UnitOfWork;
  readonly agents: Pick<AgentPort, 'isConnected' | 'protocolOf'>;
  readonly clock: Clock;
  readonly settings: SnapshotSettings;
  /** Told that there is something to do. */
  readonly making: { wake(): void };
  /** Told of contents that no version has any more. */
  readonly mirrors: { gone(manifests: readonly ManifestId[]): void };
}

export interface SnapshotAccepted {
  readonly snapshot: Snapshot;
  readonly operation: Operation;
}

/** What is said of an instance that has no disk to take. */
const withoutDisk: Readonly<Partial<Record<ObservedState, string>>> = {
  requested: 'it waits for a host and has no disk yet. Wait until it runs',
  queued: 'it waits for a host and has no disk yet. Wait until it runs',
  preparing: 'its disk is being made. Wait until it runs',
  suspending: 'its RAM is being saved. Wait until it is suspended',
  resuming: 'its RAM is being read back. Wait until it runs',
  relocating: 'it is moving to another host. Wait until it is there',
  failed: 'it failed. Start it again or delete it',
  lost: 'it is lost, and was asked to go on. Wait until it runs',
  deleted: 'it is deleted',
};

/** Why no slave has a disk of it to take; null when one has, as far as is known. */
function diskless(instance: InstanceRecord): string | null {
  const { desired, observed, booted } = instance;
  const without = desired === 'deleted' ? withoutDisk.deleted : withoutDisk[observed];
  if (without !== undefined) return without;
  if (isInStore(instance)) return 'its disk is in the store. Wait until it runs';
  // After a reset, what is there goes, and what is off gets its new disk with its next start.
  return beginsAnew(instance) || (observed === 'stopped' && !booted) ? 'nothing is on its disk yet. Wait until it runs' : null;
}

/** Snapshots as people ask for them and see them; `SnapshotMaking` brings them about. */
export class SnapshotService {
  constructor(private readonly deps: SnapshotServiceDeps) {}

  /**
   * Takes down what is wanted and answers at once. Throws `not-found`, `forbidden`, `conflict` for an instance that has no
   * disk now, `slave-offline`, `quota-exceeded`. Of a deployment the machines whose disk cannot be taken now are left out, and
   * the sentences of the answer and of the event name them.
   */
  async create(acting: Acting, body: CreateSnapshotBody, reservedId: string | null): Promise<SnapshotAccepted> {
    const { unitOfWork, clock, settings, making } = this.deps;
    const { principal } = acting;
    const now = clock.now();
    const id = reservedId ?? newId(now);
    const made = await unitOfWork.transaction(async (repositories) => {
      // One request of a person after the other: of what they keep already, and of this very one done twice.
      await repositories.users.lock(principal.userId);
      const earlier = reservedId === null ? null : await repositories.snapshots.find(reservedId);
      if (earlier?.userId === principal.userId) {
        const operation = await repositories.operations.newestOf(id, 'snapshot.create');
        if (operation !== null) return { snapshot: earlier, parts: await repositories.snapshots.parts([id]), operation };
      }
      if (body.familyId !== undefined) await this.requireFamily(repositories, principal, body.familyId);
      const { instances, what, leftOut } = await this.subjects(repositories, principal, body);
      await this.requireRoomFor(repositories, principal, instances.length);
      const snapshot: SnapshotRecord = {
        id,
        name: body.name ?? tellDatedMoment(now, settings.timeZone, now),
        userId: principal.userId,
        deploymentId: body.deploymentId ?? null,
        familyId: body.familyId ?? null,
        production: body.production,
        purpose: 'keep',
        generation: null,
        state: 'pending',
        sentence: '',
        freezeBy: now + settings.freezeMs + (body.ram ? settings.saveMs : 0),
        deadlineAt: now + settings.deadlineMs,
        createdAt: now,
        endedAt: null,
        leftOut: leftOut === null ? null : fit(leftOut),
      };
      const parts = instances.flatMap((instance): readonly SnapshotPart[] => {
        const of = { snapshotId: id, instanceId: instance.id, instanceName: instance.name, slaveId: instance.slaveId ?? '' };
        const disk = wantedPart({ ...of, imageId: newId(now) });
        if (!body.ram || instance.observed === 'stopped') return [disk];
        return [disk, wantedPart({ ...of, imageId: newId(now), what: 'ram', ramStep: instance.desired === 'suspended' ? null : 'suspend' })];
      });
      if (body.ram && parts.length === instances.length) throw new ParavclError('conflict', `Nothing of ${what} runs or is saved, so there is no RAM to keep. Ask without ram.`, { field: 'ram' });
      const besides = leftOut === null ? '' : ` ${leftOut}`;
      const sentence = fit(`${sayStanding(parts, () => '', snapshot.purpose)}${besides}`);
      await repositories.snapshots.insert({ ...snapshot, sentence }, parts);
      const operation: OperationRecord = { id: newId(now), kind: 'snapshot.create', subjectType: 'snapshot', subjectId: id, generation: 1, state: 'pending', sentence, userId: principal.userId, createdAt: now, changedAt: now };
      await repositories.operations.insert(operation);
      await repositories.events.append(eventBy(acting, { kind: 'snapshot.created', subjectType: 'snapshot', subjectId: id, sentence: fit(`${principal.userName} asked for the snapshot ${snapshot.name} of ${what}.${besides}`) }), now);
      return { snapshot: { ...snapshot, sentence }, parts, operation };
    });
    making.wake();
    return { snapshot: snapshotView(made.snapshot, made.parts), operation: operationView(made.operation) };
  }

  async list(principal: Principal, query: PageRequest & { readonly state?: SnapshotState | undefined; readonly instanceId?: string | undefined }): Promise<Page<Snapshot>> {
    const { snapshots } = this.deps.unitOfWork.read;
    const { items, next } = await snapshots.list({ ...query, userId: reach(principal, 'snapshot.list') === 'own' ? principal.userId : undefined }, query);
    return { items: await snapshotViews(this.deps.unitOfWork.read, items), next };
  }

  /** Throws `not-found`. */
  async get(principal: Principal, id: string): Promise<Snapshot> {
    const { snapshots } = this.deps.unitOfWork.read;
    const found = await snapshots.find(id);
    const snapshot = found?.purpose === 'keep' ? found : null;
    requireTheirs(principal, 'snapshot.see', snapshot, id);
    const [view] = await snapshotViews(this.deps.unitOfWork.read, [snapshot]);
    if (view === undefined) throw new ParavclError('internal', `Snapshot ${id} cannot be shown.`);
    return view;
  }

  /**
   * With all its image versions; one that is pending is given up. Other snapshots share bytes with it, not fates.
   * Throws `not-found`, and `in-use` with what depends on one of its versions, or for one that was saved as a version of a family that
   * others launch: then all of it stays.
   */
  async delete(acting: Acting, id: string): Promise<void> {
    const { unitOfWork, clock, making, mirrors } = this.deps;
    const now = clock.now();
    const gone = await unitOfWork.transaction(async (repositories) => {
      const found = await repositories.snapshots.lock(id);
      const snapshot = found?.purpose === 'keep' ? found : null;
      requireTheirs(acting.principal, 'snapshot.operate', snapshot, id);
      const { userName } = acting.principal;
      const tell = (sentence: string): Promise<void> => repositories.events.append(eventBy(acting, { kind: 'snapshot.deleted', subjectType: 'snapshot', subjectId: id, sentence }), now);
      if (snapshot.state === 'pending') {
        const sentence = `${userName} gave it up before it was there.`;
        await repositories.snapshots.end(id, 'failed', sentence, now);
        await repositories.operations.progress(id, 1, 'failed', sentence, now);
        await tell(`${userName} gave up the snapshot ${snapshot.name}.`);
        return [];
      }
      const parts = await repositories.snapshots.parts([id]);
      await requireNoVersionFor(repositories, snapshot, parts);
      const manifests = await removeSnapshotImages(repositories, parts);
      // A host that is away keeps layers apart for it until it hears.
      await repositories.snapshots.hide(id);
      await repositories.snapshots.removeIfTold(id);
      await tell(`${userName} deleted the snapshot ${snapshot.name}.`);
      return manifests;
    });
    making.wake();
    if (gone.length > 0) mirrors.gone(gone);
  }

  private async subjects(repositories: Repositories, principal: Principal, { instanceIds = [], deploymentId, ram }: CreateSnapshotBody): Promise<SnapshotSubjects> {
    if (deploymentId !== undefined) return snapshotMembers(repositories, principal, deploymentId, (instance) => this.requireDisk(repositories, instance, ram));
    const instances = await this.instancesOf(repositories, principal, instanceIds, ram);
    return { instances, what: instances.length === 1 ? (instances[0]?.name ?? '') : `${instances.length} instances`, leftOut: null };
  }

  /** Each with a disk on a slave that is there. */
  private async instancesOf(repositories: Repositories, principal: Principal, instanceIds: readonly string[], ram: boolean): Promise<readonly InstanceRecord[]> {
    const instances: InstanceRecord[] = [];
    for (const id of [...new Set(instanceIds)].sort()) {
      const instance = await repositories.instances.find(id);
      const what = `instance ${id}`;
      const subject = { ownerUserId: instance?.userId ?? null, groupId: instance?.groupId ?? null };
      // One answer for both, to the field: it tells nobody which instances there are.
      if (instance === null || !may(principal, 'instance.see', subject)) throw new ParavclError('not-found', `There is no ${what}, or it is not yours to see.`, { field: 'instanceIds' });
      authorise(principal, 'snapshot.create', 'instance.see', subject, what);
      await this.requireDisk(repositories, instance, ram);
      instances.push(instance);
    }
    return instances;
  }

  private async requireDisk(repositories: Repositories, instance: InstanceRecord, ram: boolean): Promise<void> {
    const { name, slaveId, observed, desired, reason } = instance;
    // Whether its slave is silent or its domain is gone, and what there is to do, is what its reason says.
    if (observed === 'lost' && desired !== 'deleted' && reason !== null) throw new ParavclError('conflict', fit(`${name} cannot be taken now, for it is lost. ${reason.sentence}`), { field: 'instanceIds' });
    const without = diskless(instance);
    if (without !== null || slaveId === null) throw new ParavclError('conflict', `${name} cannot be taken now: ${without ?? 'it has no disk yet. Wait until it runs'}, and ask again.`, { field: 'instanceIds' });
    requireOutOfBin(instance, this.deps.settings.timeZone, this.deps.clock.now());
    await requireNoMigration(repositories, instance);
    if (ram) await requireNoHome(repositories, instance);
    const stays = ram ? await whyRamStays(repositories, instance) : null;
    if (stays !== null) throw new ParavclError('conflict', stays, { field: 'ram' });
    await (ram ? requireRamKeeper : requireFreezer)(repositories, this.deps.agents, name, slaveId);
    if (!ram || instance.desired !== 'running') return;
    const slave = await repositories.slaves.find(slaveId);
    if (slave !== null && slave.admission !== 'approved') throw new ParavclError('conflict', `${name} runs on ${slave.name}, which is ${slave.admission}: once saved it would not go on there. Ask without ram, or suspend it yourself and ask again.`, { field: 'ram' });
  }

  private async requireFamily(repositories: Repositories, principal: Principal, familyId: string): Promise<void> {
    if (!may(principal, 'image.create', { ownerUserId: null, groupId: null })) {
      throw new ParavclError('forbidden', `A ${principal.role} may not make versions of the site’s images. Leave familyId out: the snapshot becomes an image of your own. Or ask an operator.`, { field: 'familyId' });
    }
    const family = await repositories.imageFamilies.find(familyId);
    const [newest] = family === null ? [] : await repositories.images.versionsOf(familyId, undefined, 1);
    if (family?.kind !== 'disk' || newest === undefined || !maySeeImage(principal, newest)) throw new ParavclError('not-found', `There is no image family ${familyId}, or it is not yours to see.`, { field: 'familyId' });
  }

  private async requireRoomFor(repositories: Repositories, principal: Principal, more: number): Promise<void> {
    if (principal.role !== 'student') return;
    const { perStudent } = this.deps.settings;
    const kept = await repositories.snapshots.countOf(principal.userId);
    if (kept + more <= perStudent) return;
    throw new ParavclError('quota-exceeded', `A student keeps at most ${perStudent} disks in snapshots, and you keep ${kept}. Delete a snapshot first, or ask an operator.`, { limit: String(perStudent) });
  }
}

/** Throws `in-use` while what it was saved as is a version of a family that others launch: that is deleted as a version, by whoever means to. */
async function requireNoVersionFor({ images }: Repositories, { familyId }: SnapshotRecord, parts: readonly SnapshotPart[]): Promise<void> {
  if (familyId === null) return;
  const [made] = (await images.findAll(parts.map(({ imageId }) => imageId))).values();
  if (made === undefined) return;
  const { name, friendlyId, version, familyName } = made;
  throw new ParavclError('in-use', `${name} (${friendlyId}) is version ${version} of ${familyName} now, which others launch. Delete that version first: paravcl images delete ${friendlyId}. Then delete the snapshot.`);
}

function requireTheirs(principal: Principal, action: 'snapshot.see' | 'snapshot.operate', snapshot: SnapshotRecord | null, id: string): asserts snapshot is SnapshotRecord {
  const what = `snapshot ${id}`;
  if (snapshot === null) throw new ParavclError('not-found', `There is no ${what}, or it is not yours to see.`);
  authorise(principal, action, 'snapshot.see', { ownerUserId: snapshot.userId, groupId: null }, what);
}
