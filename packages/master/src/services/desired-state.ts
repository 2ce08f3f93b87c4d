import { ParavclError } from '@paravcl/shared/errors';
import type { DesiredInstance, ImageRef } from '@paravcl/shared/protocol/desired-instance';
import type { InstanceRecord } from '../core/instance-record';
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
  const imageIds = instances.flatMap(({ imageId, kernelId, ramdiskId }) => [imageId, kernelId, ramdiskId].filter((id) => id !== null));
  const images = imageIds.length === 0 ? new Map<string, ImageRecord>() : await repositories.images.findAll([...new Set(imageIds)]);
  return instances.flatMap((instance) => {
    try {
      return [desiredState(instance, images, guestUser)];
    } catch (error) {
      onFault(error);
      return [];
    }
  });
}

function desiredState(instance: InstanceRecord, images: ReadonlyMap<string, ImageRecord>, guestUser: string): DesiredInstance {
  const { id, desired, generation, mac, address } = instance;
  if (desired === 'deleted') return tombstone(id, generation);
  // Kept by the code that deletes: addresses until `deleted` is confirmed, images while an instance uses them.
  if (mac === null || address === null) throw new ParavclError('internal', `Instance ${id} has no address.`);
  const ref = (imageId: string): ImageRef => {
    const image = images.get(imageId);
    if (image === undefined) throw new ParavclError('internal', `Instance ${id} uses image ${imageId}, which is gone.`);
    return { imageId, sha256: image.sha256, sizeBytes: image.sizeBytes, format: image.format };
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
      disk: ref(instance.imageId),
      kernel: instance.kernelId === null ? null : ref(instance.kernelId),
      ramdisk: instance.ramdiskId === null ? null : ref(instance.ramdiskId),
      kernelArguments: instance.kernelArguments,
      mac,
      address,
      bandwidthMbps: instance.bandwidthMbps,
      seed: { hostname: instance.name, user: guestUser, sshPublicKeys: [...instance.sshPublicKeys] },
    },
  };
}

/** Nothing of the instance may remain on the slave. */
export function tombstone(instanceId: string, generation: number): DesiredInstance {
  return { instanceId, generation, desired: 'deleted', spec: null };
}
