import { createHash } from 'node:crypto';
import { copyFile, cp, readFile, readdir, utimes } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { fetchDebianKernel, unpackKernel, type DebianKernel } from './debian-kernel';
import { cacheDirectory, guestFileSchema, keptGuest, sha256OfFile } from './guest-cache';
import { writeGuestDisk } from './guest-disk';
import { writeInitramfs } from './initramfs';

/**
 * Raise when this code changes what comes out. The guest's scripts, the kernel and busybox are hashed anyway.
 */
const recipeNumber = 2;

/** Kernel command line the guest needs: its console is the first serial port. */
export const demoGuestKernelArguments = 'console=ttyS0 quiet';

/** The first word of the line the guest prints when it serves its page, and what every later line of its counter looks like. */
export const demoGuestReadyPattern = /^paravcl-guest ready name=(?<name>\S*) id=(?<id>\S*) boot=(?<boot>\S*) address=(?<address>\S*)\s*$/m;
export const demoGuestCountPattern = /^count (?<count>\d+)\s*$/gm;

const demoGuestSchema = z
  .object({
    kernel: guestFileSchema,
    ramdisk: guestFileSchema,
    disk: guestFileSchema,
    recipe: z
      .object({ key: z.string(), kernelRelease: z.string(), kernelVersion: z.string(), busyboxSha256: z.string() })
      .readonly(),
  })
  .readonly();
/** The demo guest: EKI, ERI and EMI of the 2014 report as raw files, and what they were made from. */
export type DemoGuest = z.infer<typeof demoGuestSchema>;

export interface DemoGuestOptions {
  /** Where built guests and downloaded packages are kept; default: `cacheDirectory()`. */
  readonly cacheDirectory?: string;
  readonly onProgress?: (line: string) => void;
}

const guestFiles = resolve(__dirname, '..', '..', 'guest-files');

/**
 * The guest of demo, tests and benchmarks, built from Debian packages (about 4 s) or taken from the cache when
 * nothing it is made from has changed. Several builders at once are safe: the finished directory
 * is renamed into place. Throws with the missing tool or apt's own words.
 */
export async function buildDemoGuest(options: DemoGuestOptions = {}): Promise<DemoGuest> {
  const cache = options.cacheDirectory ?? cacheDirectory();
  const onProgress = options.onProgress ?? (() => undefined);
  const busybox = await staticBusybox();
  const busyboxSha256 = await sha256OfFile(busybox);
  const kernel = await fetchDebianKernel(cache, onProgress);
  const key = await recipeKey(kernel, busyboxSha256);
  return keptGuest({
    directory: join(cache, 'demo-guest'),
    key,
    schema: demoGuestSchema,
    filesOf: (guest) => [guest.kernel, guest.ramdisk, guest.disk],
    build: async ({ work, out, describe }) => {
      onProgress(`guest: building from ${kernel.release} and busybox`);
      const unpacked = await unpackKernel(kernel, join(work, 'kernel'));
      await copyFile(unpacked.vmlinuz, join(out, 'vmlinuz'));
      await writeInitramfs({
        target: join(out, 'initramfs.gz'),
        workDirectory: work,
        busybox,
        initScript: join(guestFiles, 'initramfs', 'init'),
        modulesDirectory: unpacked.modules,
      });
      await cp(join(guestFiles, 'disk'), join(work, 'disk'), { recursive: true });
      await resetTimes(join(work, 'disk'));
      await writeGuestDisk(join(out, 'disk.img'), join(work, 'disk'));
      return {
        kernel: await describe('vmlinuz'),
        ramdisk: await describe('initramfs.gz'),
        disk: await describe('disk.img'),
        recipe: { key, kernelRelease: kernel.release, kernelVersion: kernel.version, busyboxSha256 },
      };
    },
  });
}

async function staticBusybox(): Promise<string> {
  for (const path of ['/usr/bin/busybox', '/bin/busybox']) {
    const bytes = await readFile(path).catch(() => null);
    // A dynamic busybox names the loader it wants; the ramdisk has no libraries.
    if (bytes !== null && !bytes.subarray(0, 4096).includes('ld-linux')) return path;
  }
  throw new Error('No static busybox on this machine: apt-get install busybox-static.');
}

async function recipeKey(kernel: DebianKernel, busyboxSha256: string): Promise<string> {
  const hash = createHash('sha256');
  hash.update(JSON.stringify([recipeNumber, kernel.release, kernel.version, busyboxSha256]));
  for (const file of [...(await filesBelow(join(guestFiles, 'disk'))), ...(await filesBelow(join(guestFiles, 'initramfs')))]) {
    hash.update(`\0${file.slice(guestFiles.length)}\0`);
    hash.update(await readFile(file));
  }
  return hash.digest('hex').slice(0, 16);
}

async function filesBelow(directory: string): Promise<readonly string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name)).sort();
}

/** File times go into the ext4 image: fix them, so that the same scripts give the same disk. */
async function resetTimes(directory: string): Promise<void> {
  const then = new Date('2023-11-14T22:13:20Z');
  const entries = await readdir(directory, { recursive: true });
  for (const entry of entries) await utimes(join(directory, entry), then, then);
  await utimes(directory, then, then);
}
