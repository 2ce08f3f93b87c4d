import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import { buildDemoGuest, type DemoGuest } from '../../guest/demo-guest';
import { runProgram } from '../../process/run-program';

const writerSource = resolve(__dirname, '..', '..', '..', 'bench-files', 'timed-writer.c');
const writerName = 'timed-writer';

/** Mounts nothing, starts nothing: loads its drivers and becomes one program. */
const become = (program: string): string =>
  'rdinit=/bin/sh console=ttyS0 quiet -- -c "mount -t devtmpfs dev /dev; exec </dev/console >/dev/console 2>&1; ' +
  `while read -r m; do insmod /lib/modules/$m; done </lib/modules/load-order; echo up; exec ${program}"`;

/** Kernel command lines for `writerRamdisk`: a guest that writes all the time (bench-files/timed-writer.c), and one that sleeps; each says `up` first. */
export const writerKernelArguments = become(`/${writerName} /dev/vda`);
export const sleeperKernelArguments = become('sleep 999999');

/** The demo guest with a ramdisk in `directory` that also holds the writer. Throws when gcc or its static C library is missing. */
export async function writerGuest(directory: string, say: (line: string) => void): Promise<{ readonly guest: DemoGuest; readonly ramdiskPath: string }> {
  const guest = await buildDemoGuest({ onProgress: say });
  const tree = join(directory, 'writer');
  await mkdir(tree);
  await runProgram('gcc', ['-static', '-O2', '-Wall', '-o', join(tree, writerName), writerSource]).catch((error: unknown) => {
    throw new Error(`The program of the busy guest is not built: ${(error as Error).message} When a compiler is missing: apt-get install gcc libc6-dev`, { cause: error });
  });
  const archive = join(directory, 'writer.cpio');
  await runProgram('cpio', ['--create', '--format=newc', '--owner=0:0', '--quiet', `--file=${archive}`, `--directory=${tree}`], { input: `${writerName}\n` });
  // A kernel unpacks one archive after the other.
  const ramdiskPath = join(directory, 'writer-ramdisk.gz');
  await writeFile(ramdiskPath, Buffer.concat([await readFile(guest.ramdisk.path), gzipSync(await readFile(archive))]));
  await Promise.all([rm(tree, { recursive: true }), rm(archive)]);
  return { guest, ramdiskPath };
}
