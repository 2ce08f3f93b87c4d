import type { ImageAnswer } from '@paravcl/shared/api/images';
import type { Principal } from '@paravcl/shared/domain/people';
import { bootsFrom } from '../core/boot-set';
import type { BootRead } from '../repositories/image-content-repository';
import type { ImageRecord } from '../repositories/image-record';
import { runsSite } from './image-access';

/** An image as this person sees it: the name of its content, by which it lies on hosts, is for those who run the site. `receivedBytes`: what has arrived of an upload; `bootRead`: what its first boots read, when any was recorded. */
export function imageView(principal: Principal, image: ImageRecord, receivedBytes: number, bootRead: BootRead | undefined): ImageAnswer {
  return {
    id: image.id,
    friendlyId: image.friendlyId,
    kind: image.kind,
    name: image.name,
    description: image.description,
    format: image.format,
    familyId: image.familyId,
    familyName: image.familyName,
    version: image.version,
    production: image.production,
    visibility: image.visibility,
    sizeBytes: image.sizeBytes,
    sha256: image.sha256,
    manifestId: runsSite(principal) ? image.manifestId : null,
    contentBytes: image.contentBytes,
    checkPercent: image.checkPercent,
    virtualSizeMiB: image.virtualSizeMiB,
    state: image.state,
    reason: image.reason,
    defaultKernelId: image.defaultKernelId,
    defaultRamdiskId: image.defaultRamdiskId,
    defaultVcpus: image.defaultVcpus,
    defaultRamMiB: image.defaultRamMiB,
    ...(image.minSpeed == null ? {} : { minSpeed: image.minSpeed }),
    kernelArguments: image.kernelArguments,
    platformValue: image.platformValue,
    ownerGroupId: image.ownerGroupId,
    createdAt: new Date(image.createdAt).toISOString(),
    receivedBytes,
    bootSet: bootSetView(image, bootRead),
  };
}

function bootSetView({ contentBytes }: ImageRecord, read: BootRead | undefined): ImageAnswer['bootSet'] {
  if (contentBytes === null || read === undefined) return null;
  return { bytes: read.bytes, ofBytes: contentBytes, recordings: read.recordings, sentence: bootsFrom(read, contentBytes) };
}
