import type { ManifestId } from '@paravcl/shared/chunks/manifest';
import type { EpochMs } from '@paravcl/shared/clock';
import { ParavclError } from '@paravcl/shared/errors';
import type { SnapshotPart, SnapshotRecord } from '../core/snapshot-record';
import type { ImageRecord } from '../repositories/image-record';
import type { Repositories } from '../repositories/repositories';
import { requireNoDependents, requireNoSuccessor } from './image-dependents';
import { putIntoProduction } from './image-production';
import { removeImage } from './image-removal';
import { keepOfInstance } from './instance-content';
import { insertVersion, type NamedFamily } from './image-versions';
import { snapshotContent } from './snapshot-content';

/**
 * Makes the image version of each disk of a snapshot, in the transaction in which it becomes ready: whole or absent. Answers
 * what is to be told beside that. An instance that is gone meanwhile leaves its image without sizes and kernel of its own.
 */
export async function insertSnapshotImages(repositories: Repositories, snapshot: SnapshotRecord, parts: readonly SnapshotPart[], now: EpochMs): Promise<string> {
  let told = '';
  for (const part of parts) {
    if (part.what === 'ram') {
      await keepOfInstance(repositories, snapshot, part, now);
      continue;
    }
    const image = await insertImage(repositories, snapshot, part, now);
    told += snapshot.familyId === null ? '' : await takeItsPlace(repositories, snapshot, image);
  }
  return told;
}

async function insertImage(repositories: Repositories, snapshot: SnapshotRecord, part: SnapshotPart, now: EpochMs): Promise<ImageRecord> {
  const instance = await repositories.instances.find(part.instanceId);
  const source = instance === null ? null : await repositories.images.find(instance.imageId);
  const own = snapshot.familyId === null;
  return insertVersion(repositories, own ? await familyOfItsOwn(repositories, part) : { kind: 'disk', familyId: snapshot.familyId ?? undefined }, {
    ...snapshotContent(part),
    description: `The disk of ${part.instanceName}, kept in the snapshot ${snapshot.name}.`,
    reason: part.how === 'running' && part.quiesced !== true ? 'Taken of a running guest, as after a power cut: its file system is checked at the first boot.' : null,
    createdByUserId: snapshot.userId,
    createdAt: now,
    ...(own ? { visibility: 'private', ownerGroupId: null } : {}),
    ...(instance === null
      ? {}
      : { defaultKernelId: instance.kernelId, defaultRamdiskId: instance.ramdiskId, kernelArguments: instance.kernelArguments, defaultVcpus: instance.vcpus, defaultRamMiB: instance.ramMiB, minSpeed: instance.minSpeed ?? null }),
    ...(source === null ? {} : { platformValue: source.platformValue }),
  });
}

/** That of its earlier snapshots, else a new one: never one of somebody else that bears the same name. */
async function familyOfItsOwn(repositories: Repositories, { instanceId, instanceName }: SnapshotPart): Promise<NamedFamily> {
  const before = await repositories.snapshots.familyOf(instanceId);
  if (before !== null) return { kind: 'disk', familyId: before };
  const plain = `${instanceName.replace(/^i-/, '')} snapshots`;
  for (const name of [plain, `${plain} ${instanceId.slice(-8)}`, `${plain} ${instanceId}`]) {
    if ((await repositories.imageFamilies.named('disk', name)) === null) return { kind: 'disk', name };
  }
  throw new Error(`No name is free for the family of ${instanceName}.`);
}

async function takeItsPlace(repositories: Repositories, snapshot: SnapshotRecord, image: ImageRecord): Promise<string> {
  const family = await repositories.imageFamilies.lock(image.familyId);
  if (family === null || (!snapshot.production && family.productionImageId !== null)) return '';
  try {
    await putIntoProduction(repositories, family, image);
    return ` Launches of ${family.name} get it from now on.`;
  } catch (error) {
    if (!(error instanceof ParavclError)) throw error;
    return ` It is not in production: ${error.message}`;
  }
}

/** Takes the image versions of a snapshot out of the books, all or, with `in-use`, none. Answers the contents that no version has any more. */
export async function removeSnapshotImages(repositories: Repositories, parts: readonly SnapshotPart[]): Promise<readonly ManifestId[]> {
  const gone: ManifestId[] = [];
  // RAM is nobody's once the snapshot is gone, but for who goes on with it: the housekeeping takes it.
  for (const { imageId } of parts.filter(({ what }) => what === 'disk')) {
    const image = await repositories.images.lock(imageId);
    if (image === null) continue;
    const family = await repositories.imageFamilies.lock(image.familyId);
    await requireNoDependents(repositories, image, family);
    // A family of snapshots alone is nobody's to launch by its name.
    if (family !== null && image.visibility !== 'private') await requireNoSuccessor(repositories, image, family);
    await removeImage(repositories, image, family);
    if (image.manifestId !== null && (await repositories.imageContents.withManifest(image.manifestId)) === null) gone.push(image.manifestId);
  }
  return gone;
}
