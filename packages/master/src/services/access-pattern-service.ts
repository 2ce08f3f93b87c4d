import { emptyPattern, readPhaseSchema, type AccessPattern, type Recording } from '@paravcl/shared/chunks/access-pattern';
import { chunkCount, isZeroChunk, type Manifest, type ManifestId } from '@paravcl/shared/chunks/manifest';
import type { Clock } from '@paravcl/shared/clock';
import { ParavclError } from '@paravcl/shared/errors';
import { bootSetOf } from '../core/boot-set';
import { mergeRecordings, mostRecordings } from '../core/merge-recordings';
import { diskImageOf } from '../core/instance-record';
import type { UnitOfWork } from '../db/unit-of-work';
import type { ImageRecord } from '../repositories/image-record';
import type { StoredPattern } from '../repositories/pattern-repository';
import type { Repositories } from '../repositories/repositories';
import type { ChunkStore } from '../store/chunk-store';
import { isGranted } from './image-grants';
import type { FoundDamage, MirrorBooks } from './mirror-fleet';
import { sayNames } from './store-damage';

export type OnPatternChanged = (manifest: ManifestId, pattern: AccessPattern) => void;

/** Images that one sentence names. */
const mostNamed = 3;

/** What is known of image versions and their mirrors beyond their bytes: what guests read of them, who may have them, and where bytes were wrong. */
export class AccessPatternService implements MirrorBooks {
  private readonly listeners: OnPatternChanged[] = [];

  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly store: Pick<ChunkStore, 'manifest'>,
    private readonly clock: Clock,
  ) {}

  /** Calls back when a version's pattern has become another one, once it is in the books. */
  onChanged(listener: OnPatternChanged): void {
    this.listeners.push(listener);
  }

  async imageOf(manifest: ManifestId, slaveId: string): Promise<{ readonly imageId: string; readonly pattern: AccessPattern } | null> {
    const { read } = this.unitOfWork;
    const versions = await read.imageContents.givenOutWith(manifest);
    const [image] = versions;
    const slave = await read.slaves.find(slaveId);
    if (image === undefined || slave === null || !(await isGranted(read, slave, versions))) return null;
    return { imageId: image.id, pattern: (await read.patterns.find(image.id))?.pattern ?? emptyPattern };
  }

  /**
   * Takes what a first boot read into the pattern of its version: the first few, each of another instance; what comes later
   * changes nothing. Of a guest that began anew, moved or went since it comes too late, and the answer says so; else it is null.
   * Throws `not-found` for a version that is not given out, or an instance of it that is not on this slave, where the instance
   * never was there; `invalid-input` for chunks that the version does not have.
   */
  async recorded(manifest: ManifestId, slaveId: string, instanceId: string, recording: Recording): Promise<string | null> {
    try {
      await this.take(manifest, slaveId, instanceId, recording);
      return null;
    } catch (error) {
      if (!(error instanceof ParavclError) || error.code !== 'not-found' || (await this.unitOfWork.read.placements.newest(instanceId, slaveId)) === null) throw error;
      return `${error.message} Instance ${instanceId} was there, and has begun anew, moved or gone since.`;
    }
  }

  private async take(manifest: ManifestId, slaveId: string, instanceId: string, recording: Recording): Promise<void> {
    const stored = await this.store.manifest(manifest);
    if (stored === null) throw notGivenOut(manifest);
    requireChunksOf(stored.manifest, recording);
    const costing = withoutZeros(recording, stored.manifest);
    if (costing.boot.length === 0) return;
    const pattern = await this.unitOfWork.transaction(async (repositories) => {
      const image = await lockedVersion(repositories, manifest);
      await requireOnSlave(repositories, image, slaveId, instanceId);
      const before = (await repositories.patterns.find(image.id))?.recordings ?? [];
      if (before.length >= mostRecordings || before.some((one) => one.instanceId === instanceId)) return null;
      const recordings: StoredPattern['recordings'] = [...before, { instanceId, slaveId, recording: costing }];
      const merged = mergeRecordings(recordings.map((one) => one.recording));
      await repositories.patterns.save(image.id, { recordings, pattern: merged }, bootSetOf(merged, stored.manifest).bytes, this.clock.now());
      return merged;
    });
    if (pattern !== null) for (const listener of this.listeners) listener(manifest, pattern);
  }

  async gaveWrongBytes(slaveId: string, manifest: ManifestId, toldBySlaveId: string | null): Promise<void> {
    const { fleet, imageContents, events } = this.unitOfWork.read;
    const slaves = await fleet.findAll(toldBySlaveId === null ? [slaveId] : [slaveId, toldBySlaveId]);
    const name = slaves.get(slaveId)?.name ?? `host ${slaveId}`;
    const teller = toldBySlaveId === null ? null : (slaves.get(toldBySlaveId)?.name ?? `host ${toldBySlaveId}`);
    const image = await imageContents.withManifest(manifest);
    const of = image === null ? 'an image that was deleted since' : `${image.name} (${image.friendlyId})`;
    const sentence =
      `${name} gave ${teller ?? 'the master'} wrong bytes of ${of}. Their hash was wrong, so nobody used them, and ${name} is asked for them no more. ` +
      'Its disk or memory may be failing, or somebody changed its files: drain it, run “paravcl-slave doctor” there and test disk and memory, before you trust its guests.';
    await events.append({ kind: 'slave.wrong-bytes', subjectType: 'slave', subjectId: slaveId, actor: teller === null ? 'master' : `host ${teller}`, actorUserId: null, clientAddress: null, sentence }, this.clock.now());
  }

  async manifestCameBack(manifest: ManifestId, slaveId: string): Promise<void> {
    const { imageContents, fleet } = this.unitOfWork.read;
    const name = (await fleet.findAll([slaveId])).get(slaveId)?.name ?? `host ${slaveId}`;
    const sentence = `Lost or damaged in the master’s store: the list of chunks of ${sayImages(await imageContents.withManifests([manifest]))}. It came back from ${name}. Verify the whole store with repair. The master’s disk or memory may be failing: test both.`;
    await this.tellDamage(sentence);
  }

  async storeDamaged({ damaged, mended, manifests }: FoundDamage): Promise<void> {
    await this.tellDamage(damageSentence(damaged, mended, await this.unitOfWork.read.imageContents.withManifests(manifests)));
  }

  private async tellDamage(sentence: string): Promise<void> {
    await this.unitOfWork.read.events.append({ kind: 'store.damaged', subjectType: 'site', subjectId: null, actor: 'master', actorUserId: null, clientAddress: null, sentence }, this.clock.now());
  }
}

function damageSentence(damaged: number, mended: number, images: readonly ImageRecord[]): string {
  const left = damaged - mended;
  const outcome =
    left === 0
      ? `${damaged === 1 ? 'It came back from a host that had it' : 'All came back from hosts that had them'}. Verify the whole store with repair.`
      : `${mended} came back from hosts, and no host that is connected had the other ${left}: verify the store with repair when more are, or upload again.`;
  return `Damaged in the master’s store: ${damaged === 1 ? '1 chunk' : `${damaged} chunks`} of ${sayImages(images)}. No guest was given a wrong byte. ${outcome} The master’s disk or memory may be failing: test both.`;
}

function sayImages(images: readonly ImageRecord[]): string {
  return sayNames(images, mostNamed) ?? 'images that were deleted since';
}

function notGivenOut(manifest: ManifestId): ParavclError {
  return new ParavclError('not-found', `No image version that is given out has the manifest ${manifest}, so what guests read of it is not kept.`);
}

/** Two recordings of a version are merged in one after the other: its row is locked until the transaction ends. */
async function lockedVersion(repositories: Repositories, manifest: ManifestId): Promise<ImageRecord> {
  const found = await repositories.imageContents.withManifest(manifest);
  const image = found === null ? null : await repositories.images.lock(found.id);
  if (image === null) throw notGivenOut(manifest);
  return image;
}

/** A mirror tells of guests of its own host only; what it invents would be brought to all others. */
async function requireOnSlave({ instances, images }: Repositories, image: ImageRecord, slaveId: string, instanceId: string): Promise<void> {
  const instance = await instances.find(instanceId);
  const isOfVersion = instance !== null && (diskImageOf(instance) === image.id || (await images.find(diskImageOf(instance)))?.manifestId === image.manifestId);
  if (isOfVersion && instance.slaveId === slaveId) return;
  throw new ParavclError('not-found', `Instance ${instanceId} is no guest of ${image.friendlyId} on host ${slaveId}, so what it read is not kept.`);
}

function requireChunksOf(manifest: Manifest, recording: Recording): void {
  const chunks = chunkCount(manifest);
  for (const phase of readPhaseSchema.options) {
    const beyond = recording[phase].find((index) => index >= chunks);
    if (beyond !== undefined) throw new ParavclError('invalid-input', `The recording names chunk ${beyond} (${phase}), and the image has ${chunks}.`, { field: phase, limit: `below ${chunks}` });
  }
}

/** Nothing is fetched for a chunk of zeros. */
function withoutZeros({ boot, application, shutdown }: Recording, manifest: Manifest): Recording {
  const costing = (chunks: readonly number[]): number[] => chunks.filter((index) => !isZeroChunk(manifest, index));
  return { boot: costing(boot), application: costing(application), shutdown: costing(shutdown) };
}
