import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { copyFile, cp, mkdir, readFile, readdir, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { parseJson } from '@paravcl/shared/parse-json';
import { fetchDebianKernel, unpackKernel, type DebianKernel } from './debian-kernel';
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

const fileSchema = z.object({ path: z.string(), sizeBytes: z.int().positive(), sha256: z.string().length(64) }).readonly();
/** A file ready to be registered as an image. */
export type GuestFile = z.infer<typeof fileSchema>;

const demoGuestSchema = z
  .object({
    kernel: fileSchema,
    ramdisk: fileSchema,
    disk: fileSchema,
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

/** `PARAVCL_CACHE`, else /var/cache/paravcl for root, else `.cache` in the project. */
export function cacheDirectory(): string {
  const chosen = process.env['PARAVCL_CACHE'];
  if (chosen !== undefined && chosen !== '') return resolve(chosen);
  return process.getuid?.() === 0 ? '/var/cache/paravcl' : resolve(__dirname, '..', '..', '..', '..', '.cache');
}

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
  const home = join(cache, 'demo-guest', key);

  const cached = await readRecord(home);
  if (cached !== null) return cached;

  onProgress(`guest: building from ${kernel.release} and busybox`);
  const work = join(cache, 'demo-guest', `building-${randomUUID()}`);
  await mkdir(join(work, 'out'), { recursive: true });
  try {
    const unpacked = await unpackKernel(kernel, join(work, 'kernel'));
    await copyFile(unpacked.vmlinuz, join(work, 'out', 'vmlinuz'));
    await writeInitramfs({
      target: join(work, 'out', 'initramfs.gz'),
      workDirectory: work,
      busybox,
      initScript: join(guestFiles, 'initramfs', 'init'),
      modulesDirectory: unpacked.modules,
    });
    await cp(join(guestFiles, 'disk'), join(work, 'disk'), { recursive: true });
    await resetTimes(join(work, 'disk'));
    await writeGuestDisk(join(work, 'out', 'disk.img'), join(work, 'disk'));

    const guest: DemoGuest = {
      kernel: await describeFile(work, home, 'vmlinuz'),
      ramdisk: await describeFile(work, home, 'initramfs.gz'),
      disk: await describeFile(work, home, 'disk.img'),
      recipe: { key, kernelRelease: kernel.release, kernelVersion: kernel.version, busyboxSha256 },
    };
    await writeFile(join(work, 'out', 'guest.json'), `${JSON.stringify(guest, null, 2)}\n`);
    await rename(join(work, 'out'), home).catch(async (error: unknown) => {
      // Another builder was first, with the same content; or the old directory is damaged and goes.
      if ((await readRecord(home)) !== null) return;
      await rm(home, { recursive: true, force: true });
      await rename(join(work, 'out'), home).catch(() => {
        throw error;
      });
    });
    return (await readRecord(home)) ?? guest;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
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
  for (const file of await filesBelow(guestFiles)) {
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

async function describeFile(work: string, home: string, name: string): Promise<GuestFile> {
  const path = join(work, 'out', name);
  return { path: join(home, name), sizeBytes: (await stat(path)).size, sha256: await sha256OfFile(path) };
}

async function sha256OfFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const part of createReadStream(path)) hash.update(part as Uint8Array);
  return hash.digest('hex');
}

/** The cached guest, or null when it is not there or a file of it is not as recorded (a cache may be tidied by hand). */
async function readRecord(home: string): Promise<DemoGuest | null> {
  const text = await readFile(join(home, 'guest.json'), 'utf8').catch(() => null);
  if (text === null) return null;
  const guest = demoGuestSchema.safeParse(parseJson(text));
  if (!guest.success) return null;
  for (const file of [guest.data.kernel, guest.data.ramdisk, guest.data.disk]) {
    const found = await stat(file.path).catch(() => null);
    if (found?.size !== file.sizeBytes || (await sha256OfFile(file.path)) !== file.sha256) return null;
  }
  return guest.data;
}
