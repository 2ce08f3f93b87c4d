import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import { createImage, createKernel, createRamdisk, putImageContent, putKernelContent, putRamdiskContent, type ImageAnswer } from '@paravcl/shared/api/images';
import type { ApiClient } from '../api-client';
import { demoGuestKernelArguments, type DemoGuest } from '../guest/demo-guest';
import type { GuestFile } from '../guest/guest-cache';

/** Registers kernel, ramdisk and disk of the demo guest and uploads them; answers the disk image, ready to launch. */
export async function registerDemoGuest(admin: ApiClient, guest: DemoGuest, onReady: (image: ImageAnswer) => void = () => undefined): Promise<ImageAnswer> {
  const content = (file: GuestFile) => ({ content: createReadStream(file.path), sizeBytes: file.sizeBytes });
  const about = (name: string, file: GuestFile) => ({ name, sizeBytes: file.sizeBytes, sha256: file.sha256 });

  const kernel = await admin.call(createKernel, { body: about('Debian cloud kernel', guest.kernel) });
  onReady(whenReady(await admin.call(putKernelContent, { params: { imageId: kernel.id }, upload: content(guest.kernel) })));
  const ramdisk = await admin.call(createRamdisk, { body: about('Demo ramdisk', guest.ramdisk) });
  onReady(whenReady(await admin.call(putRamdiskContent, { params: { imageId: ramdisk.id }, upload: content(guest.ramdisk) })));
  const disk = await admin.call(createImage, {
    body: {
      ...about('Demo', guest.disk),
      format: 'raw',
      description: 'Counts in RAM and serves a page that says who it is.',
      defaultKernelId: kernel.id,
      defaultRamdiskId: ramdisk.id,
      defaultVcpus: 1,
      defaultRamMiB: 128,
      kernelArguments: demoGuestKernelArguments,
    },
  });
  const image = whenReady(await admin.call(putImageContent, { params: { imageId: disk.id }, upload: content(guest.disk) }));
  onReady(image);
  return image;
}

/** Under simulation nothing boots, so one small file of zeros stands for a disk. */
export async function registerStandIn(admin: ApiClient): Promise<ImageAnswer> {
  const bytes = Buffer.alloc(1024 * 1024);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const disk = await admin.call(createImage, { body: { name: 'Stand-in', format: 'raw', sizeBytes: bytes.length, sha256, defaultVcpus: 1, defaultRamMiB: 128 } });
  return whenReady(await admin.call(putImageContent, { params: { imageId: disk.id }, upload: { content: Readable.from([bytes]), sizeBytes: bytes.length } }));
}

function whenReady(image: ImageAnswer): ImageAnswer {
  if (image.state !== 'ready') throw new Error(`${image.friendlyId} is ${image.state}: ${image.reason ?? 'no reason given'}`);
  return image;
}
