import { createHash } from 'node:crypto';
import { chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { defaultChunkBytes } from '@paravcl/shared/chunks/manifest';
import { eventually } from '../../eventually';
import { buildDemoGuest, demoGuestKernelArguments, type DemoGuest } from '../../guest/demo-guest';
import { writeGuestDisk } from '../../guest/guest-disk';
import { runProgram } from '../../process/run-program';
import { servedByMirror } from './mirror-control';
import { writeNoiseImage } from './noise-image';
import type { GuestDisk } from './replay-orders';
import { StartedProgram } from './started-program';

/** What each guest reads of its disk and hashes. */
const payloadBytes = 4 * 1024 * 1024;
const diskMiB = 64;
const guestMiB = 128;
const bootWithinMs = 180_000;
const sumPattern = /^paravcl-bench sum (?<sum>[0-9a-f]{64})\s*$/m;

/** Hashes what is on the disk, says the sum, and goes. */
const startScript = `#!/bin/sh
echo "paravcl-bench sum $(busybox sha256sum /disk/payload | busybox cut -c1-64)"
sync
poweroff -f
`;

export interface RealBoot {
  /** From the first word to a mirror, or the start of QEMU where there is none, until the last guest has said its sum. */
  readonly seconds: number;
  /** Guests whose sum was another one. */
  readonly wrongSums: number;
}

/** A kernel and its disk, made for this bench: the guest mounts it, reads 4 MiB of noise there and hashes them itself. */
export class RealGuests {
  private constructor(
    /** A raw file. */
    readonly disk: { readonly path: string; readonly sizeBytes: number; readonly sha256: string },
    private readonly payloadSha256: string,
    private readonly kernel: DemoGuest,
    private readonly directory: string,
  ) {}

  static async make(directory: string): Promise<RealGuests> {
    const kernel = await buildDemoGuest();
    const content = join(directory, 'guest-content');
    await mkdir(join(content, 'guest'), { recursive: true });
    await writeFile(join(content, 'guest', 'start'), startScript);
    await chmod(join(content, 'guest', 'start'), 0o755);
    const payload = await writeNoiseImage({ path: join(content, 'payload'), sizeBytes: payloadBytes, chunkBytes: defaultChunkBytes, seed: 4 });
    const disk = join(directory, 'guest.raw');
    await writeGuestDisk(disk, content);
    await rm(content, { recursive: true });
    const bytes = await readFile(disk);
    return new RealGuests({ path: disk, sizeBytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') }, payload.sha256, kernel, directory);
  }

  /** Boots one guest from each disk at once; null: from the plain file. */
  async boot(disks: readonly (GuestDisk | null)[]): Promise<RealBoot> {
    const begunAt = performance.now();
    const sums = await Promise.all(disks.map((disk, at) => this.bootOne(disk, at)));
    const seconds = (performance.now() - begunAt) / 1000;
    return { seconds, wrongSums: sums.filter((sum) => sum !== this.payloadSha256).length };
  }

  private async bootOne(disk: GuestDisk | null, at: number): Promise<string> {
    if (disk?.mirror != null) await servedByMirror(disk.mirror);
    const overlay = join(this.directory, `guest-${String(at)}.qcow2`);
    const serial = join(this.directory, `guest-${String(at)}.log`);
    await rm(serial, { force: true });
    // As libvirt's guests have it: what is written stays in an overlay, what is read comes from the mirror.
    await runProgram('qemu-img', ['create', '-q', '-u', '-f', 'qcow2', '-F', 'raw', '-b', this.backing(disk), '--', overlay, `${String(diskMiB)}M`]);
    const qemu = StartedProgram.start(
      [
        'qemu-system-x86_64', '-accel', 'tcg', '-m', String(guestMiB), '-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot', '-serial', `file:${serial}`,
        '-kernel', this.kernel.kernel.path, '-initrd', this.kernel.ramdisk.path, '-append', demoGuestKernelArguments, '-drive', `file=${overlay},format=qcow2,if=virtio`,
      ],
      join(this.directory, `qemu-${String(at)}.log`),
    );
    try {
      return await eventually(`guest ${String(at)} to say what it read`, bootWithinMs, async () => {
        const isOver = qemu.isOver;
        const sum = sumPattern.exec(await readFile(serial, 'utf8').catch(() => ''))?.groups?.['sum'];
        if (sum === undefined && isOver) qemu.checkAlive();
        return sum;
      });
    } finally {
      await qemu.end();
      await rm(overlay, { force: true });
    }
  }

  private backing(disk: GuestDisk | null): string {
    if (disk === null) return this.disk.path;
    if (!('path' in disk.socket)) throw new Error('A real guest of this bench reads from a socket of its host.');
    return `nbd+unix:///${disk.exportName}?socket=${disk.socket.path}`;
  }
}
