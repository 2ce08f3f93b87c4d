import { join } from 'node:path';
import { idSchema } from '@paravcl/shared/ids';

/**
 * Where the pool keeps what, and nothing else of the agent decides it:
 *
 *   mirror/…                        the mirror's own: images, its sockets
 *   instances/<id>/overlay.qcow2 seed.iso backing.json images epoch serial.log run/vnc.sock run/serial.sock
 *                  ram                                            until the RAM that its disk was made for has come
 *                  layers.json layer-<n>.qcow2 delta-<snapshot>   since its first snapshot
 *                  ram-<snapshot> delta-<snapshot>-ram            of one that was saved: its RAM, until its delta is made, and that
 *   instances/.making-<id>          being made; renamed when complete
 *   instances/.removing-<id>        being removed
 *   homes/<id>/overlay.qcow2 backing.json images epoch layers.json delta-<id>
 *                                   home volumes, by their own ids; `.making-` and `.removing-` as of instances
 *   images/<sha256>.<format>        fetched by an earlier release, until no instance is made of it any more
 *   verified/<sha256>.<format>      boot id of the host under which that file was last checked
 *
 * Ids come from outside, so they are checked here before they become part of a path.
 */
export class PoolLayout {
  readonly earlierImages: string;
  readonly verified: string;
  readonly instances: string;
  readonly homes: string;

  constructor(readonly root: string) {
    this.earlierImages = join(root, 'images');
    this.verified = join(root, 'verified');
    this.instances = join(root, 'instances');
    this.homes = join(root, homesDirectory);
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

  home(volumeId: string): string {
    return join(this.homes, checkedId(volumeId));
  }

  makingHome(volumeId: string): string {
    return join(this.homes, `${makingPrefix}${checkedId(volumeId)}`);
  }

  removingHome(volumeId: string): string {
    return join(this.homes, `${removingPrefix}${checkedId(volumeId)}`);
  }

  /** The files that are an instance's own. */
  ownFiles(instanceId: string): { readonly overlay: string; readonly seed: string; readonly serialLog: string; readonly serialSocket: string; readonly vncSocket: string } {
    const directory = this.instance(instanceId);
    return {
      overlay: join(directory, names.overlay),
      seed: join(directory, names.seed),
      serialLog: join(directory, names.serialLog),
      serialSocket: join(directory, names.run, 'serial.sock'),
      vncSocket: join(directory, names.run, 'vnc.sock'),
    };
  }
}

/**
 * `backing` says what the instance is made of, `images` the manifests of that, a line each: the mirror keeps what is
 * named there. `epoch` says how often the instance began anew, as a decimal number; without it: 1. `ram` is the
 * manifest of the RAM that it awaits, a line. `run` is a directory of its own because QEMU makes its sockets in it: the only one its user may write.
 */
export const names = { overlay: 'overlay.qcow2', seed: 'seed.iso', backing: 'backing.json', images: 'images', epoch: 'epoch', ram: 'ram', layers: 'layers.json', serialLog: 'serial.log', run: 'run' } as const;

/** Of the pool. */
export const homesDirectory = 'homes';

export const makingPrefix = '.making-';
export const removingPrefix = '.removing-';

function checkedId(instanceId: string): string {
  return idSchema.parse(instanceId);
}
