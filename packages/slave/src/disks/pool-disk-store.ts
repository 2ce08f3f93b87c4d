import { chmod, chown, mkdir, open, readdir, rename, rm, stat, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '@paravcl/shared/clock';
import { idSchema } from '@paravcl/shared/ids';
import { MiB } from '@paravcl/shared/domain/limits';
import type { ImageRef, InstanceSpec } from '@paravcl/shared/protocol/desired-instance';
import type { DomainFiles } from '../hypervisor/driver';
import { seedFiles } from './cloud-init-seed';
import { DiskStoreError, type DiskStore, type ImageSource } from './disk-store';
import { runDiskTool } from './disk-tool';
import { ImageCache, virtualSizeOf } from './image-cache';
import { ImageEviction } from './image-eviction';
import { imageName, makingPrefix, names, PoolLayout, removingPrefix } from './pool-layout';
import { readLogTail } from './log-tail';
import { syncDirectory } from './sync-directory';

export interface PoolOptions {
  readonly directory: string;
  readonly source: ImageSource;
  /** Kept free for the host and for guests that grow: less, and nothing new is made. */
  readonly reserveMiB: number;
  /** The account libvirt runs QEMU as; null where the agent is not root or there is none. */
  readonly qemuOwner: { readonly uid: number; readonly gid: number } | null;
  readonly clock: Clock;
  /** Images are hashed again under another one. */
  readonly hostBootId: string;
  /** A cached image that no instance here uses is removed after so many days without use. */
  readonly imageCacheDays: number;
  /** Told of faults that stop nothing: an image that rotted, a removal that failed. */
  readonly onFault: (error: unknown) => void;
}

/** Room an overlay needs to be worth starting; it grows with what the guest writes. */
const overlayStartMiB = 16;
const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
/** An image asked for within this time may be part of a launch that is under way: no want of room removes it. */
const launchMs = hourMs;

/** The pool on a real file system. Directories can be passed and not listed; only QEMU's `run` is its own. */
export class PoolDiskStore implements DiskStore {
  private readonly layout: PoolLayout;
  private readonly cache: ImageCache;
  private readonly eviction: ImageEviction;
  private swept = false;

  constructor(private readonly options: PoolOptions) {
    this.layout = new PoolLayout(options.directory);
    this.eviction = new ImageEviction(this.layout, options.clock);
    this.cache = new ImageCache(this.layout, options.source, this.eviction, {
      bootId: options.hostBootId,
      makeRoom: (bytes, what) => this.makeRoom(bytes, what),
      onFault: options.onFault,
    });
  }

  async open(): Promise<void> {
    for (const directory of [this.layout.root, this.layout.images, this.layout.verified, this.layout.instances]) {
      await mkdir(directory, { recursive: true, mode: 0o711 });
      // Not left to the umask: QEMU's user has to pass.
      await chmod(directory, 0o711);
    }
    // Opening may be tried again, and by then a half-made file is one that is being made.
    if (this.swept) return;
    this.swept = true;
    await this.cache.sweep();
    const entries = await readdir(this.layout.instances);
    const stale = entries.filter((name) => name.startsWith(makingPrefix) || name.startsWith(removingPrefix));
    await Promise.all(stale.map((name) => rm(join(this.layout.instances, name), { recursive: true, force: true })));
    await this.evictDaily();
  }

  hasImage(image: ImageRef): Promise<boolean> {
    return this.cache.has(image);
  }

  fetchImage(image: ImageRef, onProgress: (percent: number) => void): Promise<void> {
    return this.cache.fetch(image, onProgress);
  }

  /** Overlay and seed are made side by side in a directory that gets its name when both are complete. */
  async createInstanceFiles(instanceId: string, spec: InstanceSpec): Promise<DomainFiles> {
    const files = this.layout.files(instanceId, spec);
    if (await exists(this.layout.instance(instanceId))) return files;
    for (const image of imagesOf(spec)) this.eviction.asked(image);
    await this.checkRoom(overlayStartMiB * MiB, `instance ${spec.name}`);
    const making = this.layout.making(instanceId);
    await rm(making, { recursive: true, force: true });
    try {
      await makeDirectory(making, 0o711);
      await allEnded([this.makeOverlay(making, spec), makeSeed(making, instanceId, spec), listImages(making, spec), this.makeRunDirectory(making)]);
      await syncDirectory(making);
      await rename(making, this.layout.instance(instanceId));
      await syncDirectory(this.layout.instances);
    } catch (error) {
      await rm(making, { recursive: true, force: true });
      throw asStoreError(error, spec);
    }
    return files;
  }

  filesOf(instanceId: string, spec: InstanceSpec): DomainFiles {
    return this.layout.files(instanceId, spec);
  }

  async instancesOnDisk(): Promise<readonly string[]> {
    const entries = await readdir(this.layout.instances);
    return entries.filter((name) => idSchema.safeParse(name).success);
  }

  /** Gone by one rename, so that a crash leaves no half of it; the bytes follow. */
  async removeInstanceFiles(instanceId: string): Promise<void> {
    const removing = this.layout.removing(instanceId);
    await rm(removing, { recursive: true, force: true });
    await rename(this.layout.instance(instanceId), removing).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
    });
    await rm(removing, { recursive: true, force: true });
    await rm(this.layout.making(instanceId), { recursive: true, force: true });
  }

  readSerialLog(instanceId: string, tailBytes: number): Promise<string> {
    return readLogTail(join(this.layout.instance(instanceId), names.serialLog), tailBytes);
  }

  async space(): Promise<{ readonly totalMiB: number; readonly availableMiB: number }> {
    const pool = await statfs(this.layout.root);
    return { totalMiB: Math.floor((pool.blocks * pool.bsize) / MiB), availableMiB: Math.floor((pool.bavail * pool.bsize) / MiB) };
  }

  private async evictDaily(): Promise<void> {
    await this.eviction.evict(this.options.imageCacheDays * dayMs, () => Promise.resolve(false)).catch(this.options.onFault);
    this.options.clock.after(dayMs, () => void this.evictDaily());
  }

  private async makeRoom(bytes: number, what: string): Promise<void> {
    const enough = async (): Promise<boolean> => (await this.space()).availableMiB >= this.neededMiB(bytes);
    if (!(await enough())) await this.eviction.evict(launchMs, enough).catch(this.options.onFault);
    await this.checkRoom(bytes, what);
  }

  private neededMiB(bytes: number): number {
    return Math.ceil(bytes / MiB) + this.options.reserveMiB;
  }

  private async checkRoom(bytes: number, what: string): Promise<void> {
    const { availableMiB } = await this.space();
    if (availableMiB >= this.neededMiB(bytes)) return;
    throw new DiskStoreError(
      'no-room',
      `The pool ${this.layout.root} has ${availableMiB} MiB free; ${what} needs ${Math.ceil(bytes / MiB)} MiB and ${this.options.reserveMiB} MiB are kept free.`,
    );
  }

  /** Backing file and format are always named: a guessed format is an attack, a relative path a surprise. */
  private async makeOverlay(directory: string, spec: InstanceSpec): Promise<void> {
    const base = this.layout.image(spec.disk);
    const baseBytes = spec.disk.format === 'qcow2' ? await virtualSizeOf(base) : Math.ceil(spec.disk.sizeBytes / 512) * 512;
    const sizeBytes = Math.max(baseBytes, spec.diskMiB * MiB);
    const overlay = join(directory, names.overlay);
    await runDiskTool('qemu-img', ['create', '-q', '-f', 'qcow2', '-b', base, '-F', spec.disk.format, '-o', 'extended_l2=on,cluster_size=128k', '--', overlay, String(sizeBytes)]);
    await chmod(overlay, 0o600);
    await syncFile(overlay);
  }

  private async makeRunDirectory(directory: string): Promise<void> {
    const run = join(directory, names.run);
    await makeDirectory(run, 0o700);
    const { qemuOwner } = this.options;
    if (qemuOwner !== null) await chown(run, qemuOwner.uid, qemuOwner.gid);
  }
}

function imagesOf(spec: InstanceSpec): readonly ImageRef[] {
  return [spec.disk, spec.kernel, spec.ramdisk].filter((image) => image !== null);
}

/** What the instance holds in the cache; eviction believes it, so it is synced like the overlay. */
async function listImages(directory: string, spec: InstanceSpec): Promise<void> {
  const list = join(directory, names.images);
  await writeFile(list, imagesOf(spec).map((image) => `${imageName(image)}\n`).join(''), { mode: 0o600 });
  await syncFile(list);
}

/** As Promise.all, but not before each has ended: what one still writes could not be removed. */
async function allEnded(making: readonly Promise<void>[]): Promise<void> {
  await Promise.allSettled(making);
  await Promise.all(making);
}

/** ISO 9660 with volume id `cidata`, which is how cloud-init recognises it. */
async function makeSeed(directory: string, instanceId: string, spec: InstanceSpec): Promise<void> {
  const source = join(directory, 'seed');
  await makeDirectory(source, 0o700);
  const contents = seedFiles(instanceId, spec.seed);
  await Promise.all(Object.entries(contents).map(([name, text]) => writeFile(join(source, name), text, { mode: 0o600 })));
  const seed = join(directory, names.seed);
  await runDiskTool('genisoimage', ['-quiet', '-input-charset', 'utf-8', '-output', seed, '-volid', 'cidata', '-joliet', '-rock', '--', source]);
  await rm(source, { recursive: true });
  await chmod(seed, 0o644);
  await syncFile(seed);
}

async function makeDirectory(path: string, mode: number): Promise<void> {
  await mkdir(path);
  await chmod(path, mode);
}

async function syncFile(path: string): Promise<void> {
  const file = await open(path, 'r');
  try {
    await file.datasync();
  } finally {
    await file.close();
  }
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => null)) !== null;
}

function asStoreError(error: unknown, spec: InstanceSpec): DiskStoreError {
  if (error instanceof DiskStoreError) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'ENOSPC' || code === 'EDQUOT') return new DiskStoreError('no-room', `The pool filled up while the disk of ${spec.name} was made.`, { cause: error });
  return new DiskStoreError('failed', `The disk of ${spec.name} could not be made: ${message}`, { cause: error });
}
