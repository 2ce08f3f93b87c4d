import { join } from 'node:path';
import { idSchema } from '@paravcl/shared/ids';
import type { ImageRef, InstanceSpec } from '@paravcl/shared/protocol/desired-instance';
import { sha256Schema } from '@paravcl/shared/domain/limits';
import { imageFormatSchema } from '@paravcl/shared/domain/image';
import type { DomainFiles } from '../hypervisor/driver';

/**
 * Where the pool keeps what, and nothing else decides it:
 *
 *   images/<sha256>.<format>          complete, checked
 *   images/.part-<sha256>.<format>    being fetched
 *   verified/<sha256>.<format>        boot id of the host under which that image was last checked
 *   instances/<id>/overlay.qcow2 seed.iso images serial.log run/vnc.sock
 *   instances/.making-<id>            being made; renamed when complete
 *   instances/.removing-<id>          being removed
 *
 * Ids and hashes come from outside, so they are checked here before they become part of a path.
 */
export class PoolLayout {
  readonly images: string;
  readonly verified: string;
  readonly instances: string;

  constructor(readonly root: string) {
    this.images = join(root, 'images');
    this.verified = join(root, 'verified');
    this.instances = join(root, 'instances');
  }

  image(image: ImageRef): string {
    return join(this.images, imageName(image));
  }

  partialImage(image: ImageRef): string {
    return join(this.images, `${partPrefix}${imageName(image)}`);
  }

  instance(instanceId: string): string {
    return join(this.instances, checkedId(instanceId));
  }

  making(instanceId: string): string {
    return join(this.instances, `${makingPrefix}${checkedId(instanceId)}`);
  }

  removing(instanceId: string): string {
    return join(this.instances, `${removingPrefix}${checkedId(instanceId)}`);
  }

  files(instanceId: string, spec: Pick<InstanceSpec, 'disk' | 'kernel' | 'ramdisk'>): DomainFiles {
    const directory = this.instance(instanceId);
    return {
      overlay: join(directory, names.overlay),
      backing: { path: this.image(spec.disk), format: spec.disk.format },
      seed: join(directory, names.seed),
      kernel: spec.kernel === null ? null : this.image(spec.kernel),
      ramdisk: spec.ramdisk === null ? null : this.image(spec.ramdisk),
      serialLog: join(directory, names.serialLog),
      vncSocket: join(directory, names.run, 'vnc.sock'),
    };
  }
}

/**
 * `images` lists the cached images the instance is made of, a line each. `run` is a directory of its own
 * because QEMU makes its sockets in it: the only one its user may write.
 */
export const names = { overlay: 'overlay.qcow2', seed: 'seed.iso', images: 'images', serialLog: 'serial.log', run: 'run' } as const;

export const partPrefix = '.part-';
export const makingPrefix = '.making-';
export const removingPrefix = '.removing-';

/** Its file name in the cache. */
export function imageName({ sha256, format }: ImageRef): string {
  return `${sha256Schema.parse(sha256)}.${imageFormatSchema.parse(format)}`;
}

function checkedId(instanceId: string): string {
  return idSchema.parse(instanceId);
}
