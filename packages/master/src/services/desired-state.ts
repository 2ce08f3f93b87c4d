import { ParavclError } from '@paravcl/shared/errors';
import type { DesiredInstance, HomeSpec, ImageRef } from '@paravcl/shared/protocol/desired-instance';
import type { HomeRecord } from '../core/home-record';
import { diskImageOf, type InstanceRecord } from '../core/instance-record';
import type { ImageRecord } from '../repositories/image-repository';
import type { Repositories } from '../repositories/repositories';

/**
 * Desired states as slaves are told them, for instances that are not to be deleted. One that cannot be
 * told (an image is gone) is left out and its fault handed to `onFault`, so that it does not keep the others back.
 */
export async function desiredStates(
  repositories: Repositories,
  instances: readonly InstanceRecord[],
  guestUser: string,
  onFault: (error: unknown) => void,
): Promise<readonly DesiredInstance[]> {
  const homes = await repositories.homes.attachedTo(instances.map(({ id }) => id));
  const imageIds = instances.flatMap((instance) => [homes.get(instance.id)?.imageId ?? null, diskImageOf(instance), instance.ramImageId, instance.kernelId, instance.ramdiskId].filter((id) => id !== null));
  const images = imageIds.length === 0 ? new Map<string, ImageRecord>() : await repositories.images.findAll([...new Set(imageIds)]);
  const cloudInits = instances.length === 0 ? new Map<string, string>() : await repositories.instances.cloudInits(instances.map(({ id }) => id));
  return instances.flatMap((instance) => {
    try {
      return [desiredState(instance, images, guestUser, { cloudInit: cloudInits.get(instance.id), home: homes.get(instance.id) })];
    } catch (error) {
      onFault(error);
      return [];
    }
  });
}

function desiredState(instance: InstanceRecord, images: ReadonlyMap<string, ImageRecord>, guestUser: string, { cloudInit, home }: { readonly cloudInit: string | undefined; readonly home: HomeRecord | undefined }): DesiredInstance {
  const { id, desired, generation, mac, address } = instance;
  if (desired === 'deleted') return tombstone(id, generation);
  // Kept by the code that deletes: addresses until `deleted` is confirmed, images while an instance uses them.
  if (mac === null || address === null) throw new ParavclError('internal', `Instance ${id} has no address.`);
  const ref = (imageId: string): ImageRef => {
    const image = images.get(imageId);
    if (image === undefined) throw new ParavclError('internal', `Instance ${id} uses image ${imageId}, which is gone.`);
    return imageRef(image);
  };
  return {
    instanceId: id,
    generation,
    desired,
    ...(desired === 'running' ? { endsAt: instance.endsAt === null ? null : new Date(instance.endsAt).toISOString() } : {}),
    ...(desired === 'stopped' && instance.stopForced ? { forceStop: true } : {}),
    spec: {
      name: instance.name,
      vcpus: instance.vcpus,
      ramMiB: instance.ramMiB,
      diskMiB: instance.diskMiB,
      disk: ref(diskImageOf(instance)),
      // Left out of what every agent takes the same without it.
      ...(instance.diskEpoch === 1 ? {} : { diskEpoch: instance.diskEpoch }),
      ...(instance.ramImageId === null ? {} : { ram: ref(instance.ramImageId) }),
      ...homeSpec(instance, home, ref),
      kernel: instance.kernelId === null ? null : ref(instance.kernelId),
      ramdisk: instance.ramdiskId === null ? null : ref(instance.ramdiskId),
      kernelArguments: instance.kernelArguments,
      mac,
      address,
      bandwidthMbps: instance.bandwidthMbps,
      seed: { hostname: instance.name, user: guestUser, sshPublicKeys: [...instance.sshPublicKeys], ...(cloudInit === undefined ? {} : { vendorData: cloudInit }) },
    },
  };
}

/** Where it is to be off, what it had goes back. Said under one generation once and the same: it is given and taken with another one. */
function homeSpec({ desired, slaveId }: InstanceRecord, home: HomeRecord | undefined, ref: (imageId: string) => ImageRef): { readonly home?: HomeSpec } {
  if (home === undefined || home.attachedMiB === null || home.slaveId !== slaveId || (desired !== 'running' && desired !== 'suspended')) return {};
  return { home: { volumeId: home.id, epoch: home.epoch, sizeMiB: home.attachedMiB, disk: home.imageId === null ? null : ref(home.imageId) } };
}

/** By its chunks, and as one raw file for agents that fetch it whole. An image of an earlier release is its file, until it is in the chunk store. */
function imageRef({ id, name, manifestId, contentSha256, contentBytes, sha256, sizeBytes, format }: ImageRecord): ImageRef {
  // Nobody hashed the whole of a snapshot, which is in the store chunk by chunk: its manifest names it as well.
  if (manifestId !== null && contentBytes !== null) return { imageId: id, sha256: contentSha256 ?? manifestId, sizeBytes: contentBytes, format: 'raw', manifest: manifestId };
  if (sha256 === null) throw new ParavclError('internal', `Image ${name} (${id}) has no content.`);
  return { imageId: id, sha256, sizeBytes, format };
}

/** Nothing of the instance may remain on the slave. */
export function tombstone(instanceId: string, generation: number): DesiredInstance {
  return { instanceId, generation, desired: 'deleted', spec: null };
}
