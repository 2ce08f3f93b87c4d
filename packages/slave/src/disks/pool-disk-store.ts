import { chmod, chown, mkdir, open, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ReadPhase } from '@paravcl/shared/chunks/access-pattern';
import { type Clock, sleep } from '@paravcl/shared/clock';
import { idSchema } from '@paravcl/shared/ids';
import { MiB } from '@paravcl/shared/domain/limits';
import { wantedDiskEpoch, type ImageRef, type InstanceSpec } from '@paravcl/shared/protocol/desired-instance';
import type { BackingImage, DomainFiles } from '../hypervisor/driver';
import { seedFiles } from './cloud-init-seed';
import { DiskStoreError, imagesOf, type DiskStanding, type DiskStore, type NeededImage } from './disk-store';
import { runDiskTool } from './disk-tool';
import { EarlierImages } from './earlier-images';
import { readDiskEpoch } from './disk-epoch';
import { readInstanceBase, writeInstanceBase, type InstanceBase } from './instance-base';
import { awaitedRam, endRamWait } from './awaited-ram';
import { chainFiles, layersOrOnlyOverlay } from './layers-file';
import { type LogEnd, readLogEnd, readLogTail } from './log-tail';
import type { MirrorClient } from './mirror-client';
import { makingPrefix, names, PoolLayout, removingPrefix } from './pool-layout';
import { checkPoolRoom, poolSpace, type PoolSpace } from './pool-space';
import { syncDirectory } from './sync-directory';

export interface PoolOptions {
  readonly directory: string;
  readonly mirror: MirrorClient;
  /** Kept free for the host and for guests that grow: less, and nothing new is made. */
  readonly reserveMiB: number;
  /** The account libvirt runs QEMU as; null where the agent is not root or there is none. */
  readonly qemuOwner: { readonly uid: number; readonly gid: number } | null;
  readonly clock: Clock;
  /** Files of an earlier release are hashed again under another one. */
  readonly hostBootId: string;
  /** Told of faults that stop nothing. */
  readonly onFault: (error: unknown) => void;
}

/** What an instance is made of, and how large its images make its disk. */
interface NewBase extends InstanceBase {
  readonly diskBytes: number;
}

/** Room an overlay needs to be worth starting; it grows with what the guest writes. */
const overlayStartMiB = 16;
const followEveryMs = 250;
/** Of what a guest is made of: libvirt gives it to QEMU's user while it runs, and nobody else of the host reads it, though its path stands in QEMU's arguments. */
const ownMode = 0o600;
/** An image of which nothing comes for so long is given up for now; what is here of it stays. */
const idleMs = 30_000;

/** The pool on a real file system. Directories can be passed and not listed; only QEMU's `run` is its own. */
export class PoolDiskStore implements DiskStore {
  private readonly layout: PoolLayout;
  private readonly earlier: EarlierImages;
  /** Of instances that are being made: their files and their definition are made side by side, and must agree. */
  private readonly newBases = new Map<string, Promise<NewBase>>();
  private swept = false;

  constructor(private readonly options: PoolOptions) {
    this.layout = new PoolLayout(options.directory);
    this.earlier = new EarlierImages(this.layout, options.hostBootId, options.onFault);
  }

  async open(): Promise<void> {
    for (const directory of [this.layout.root, this.layout.instances]) {
      await mkdir(directory, { recursive: true, mode: 0o711 });
      // Not left to the umask: QEMU's user has to pass.
      await chmod(directory, 0o711);
    }
    await this.keepEarlierImages();
    // Opening may be tried again, and by then a half-made file is one that is being made.
    if (this.swept) return;
    this.swept = true;
    const entries = await readdir(this.layout.instances);
    await this.keepEarlierSeeds(entries);
    const stale = entries.filter((name) => name.startsWith(makingPrefix) || name.startsWith(removingPrefix));
    await Promise.all(stale.map((name) => rm(join(this.layout.instances, name), { recursive: true, force: true })));
    await this.earlier.sweep().catch(this.options.onFault);
  }

  async missingImages(instanceId: string, spec: InstanceSpec): Promise<readonly NeededImage[]> {
    const written = await readInstanceBase(this.layout.instance(instanceId));
    const earlier = written === null ? await this.earlier.baseOf(instanceId, spec) : null;
    if (earlier !== null) return this.missingEarlier(earlier, spec);
    // Over a plain file nobody stands between guest and disk who would check what it reads.
    const disk: NeededImage = { ...spec.disk, need: written?.backing.kind === 'file' ? 'whole' : 'served' };
    const ram = spec.ram !== undefined && (written === null || (await awaitedRam(this.layout.instance(instanceId))) !== null) ? [spec.ram] : [];
    const needed = [disk, ...[...imagesOf(spec).slice(1), ...ram].map((image): NeededImage => ({ ...image, need: 'whole' }))];
    const ready = await Promise.all(needed.map((image) => this.isReady(image)));
    return needed.filter((_, index) => ready[index] === false);
  }

  async fetchImage(image: NeededImage, onProgress: (percent: number) => void): Promise<void> {
    if (image.need === 'earlier-file') {
      const sentence = `The file ${image.sha256.slice(0, 12)}… in ${this.layout.earlierImages}, over which its disk was made by an earlier release, is gone or damaged. Bring it back from a backup, or delete the instance.`;
      throw new DiskStoreError('image-missing', sentence);
    }
    const manifest = manifestOf(image);
    const { clock } = this.options;
    let [lastPresent, lastCameMs] = [-1, clock.monotonicMs()];
    for (;;) {
      const standing = await this.options.mirror.ask(manifest, image.need === 'whole' ? 'whole' : 'serve');
      if (standing.done) return;
      onProgress(Math.floor((100 * standing.presentChunks) / standing.totalChunks));
      // With all of them here they are being hashed again, which ends by itself.
      if (standing.presentChunks !== lastPresent || standing.presentChunks === standing.totalChunks) [lastPresent, lastCameMs] = [standing.presentChunks, clock.monotonicMs()];
      if (clock.monotonicMs() - lastCameMs > idleMs) {
        throw new DiskStoreError('fetch-failed', `Of image ${image.imageId} ${standing.presentChunks} of ${standing.totalChunks} chunks are here, and none came for ${idleMs / 1000} s.`);
      }
      await sleep(clock, followEveryMs);
    }
  }

  /** Overlay and seed are made side by side in a directory that gets its name when both are complete. */
  async createInstanceFiles(instanceId: string, spec: InstanceSpec): Promise<DomainFiles> {
    if (await exists(this.layout.instance(instanceId))) return this.filesOf(instanceId, spec);
    const making = this.layout.making(instanceId);
    await rm(making, { recursive: true, force: true });
    try {
      await checkPoolRoom({ root: this.layout.root, reserveMiB: this.options.reserveMiB }, overlayStartMiB * MiB, `instance ${spec.name}`);
      const base = await this.newBase(instanceId, spec);
      await this.checkStillWhole(base, spec);
      await makeDirectory(making, 0o700);
      await allEnded([makeOverlay(making, base), makeSeed(making, instanceId, spec), this.makeRunDirectory(making), rememberBase(making, base, spec)]);
      await chmod(making, 0o711);
      await syncDirectory(making);
      await rename(making, this.layout.instance(instanceId));
      await syncDirectory(this.layout.instances);
    } catch (error) {
      await rm(making, { recursive: true, force: true });
      throw asStoreError(error, spec);
    } finally {
      this.newBases.delete(instanceId);
    }
    return this.filesOf(instanceId, spec);
  }

  async filesOf(instanceId: string, spec: InstanceSpec): Promise<DomainFiles> {
    const { backing, kernel, ramdisk } = (await readInstanceBase(this.layout.instance(instanceId))) ?? (await this.earlier.baseOf(instanceId, spec)) ?? (await this.newBase(instanceId, spec));
    const directory = this.layout.instance(instanceId);
    return { ...this.layout.ownFiles(instanceId), ...chainFiles(directory, await layersOrOnlyOverlay(directory)), backing, kernel, ramdisk };
  }

  async instancesOnDisk(): Promise<readonly string[]> {
    const entries = await readdir(this.layout.instances);
    return entries.filter((name) => idSchema.safeParse(name).success);
  }

  async standing(instanceId: string): Promise<DiskStanding> {
    const own = this.layout.instance(instanceId);
    const [files, making, removing, awaitsRam] = await Promise.all([own, this.layout.making(instanceId), this.layout.removing(instanceId), join(own, names.ram)].map(exists));
    return { files: files === true, leftovers: making === true || removing === true, awaitsRam: awaitsRam === true };
  }

  async ramFile(instanceId: string, { name, ram }: InstanceSpec): Promise<string> {
    const awaited = await awaitedRam(this.layout.instance(instanceId));
    if (awaited === null || ram === undefined || awaited !== manifestOf(ram)) {
      throw new DiskStoreError('failed', `The disk of ${name} was made to go on with ${awaited === null ? 'no RAM' : `RAM ${awaited.slice(0, 12)}…`}, and is ordered to go on with ${ram?.manifest === undefined ? 'none' : `RAM ${ram.manifest.slice(0, 12)}…`}. Begin it anew, or start it without its RAM.`);
    }
    const standing = await this.options.mirror.ask(awaited, 'whole');
    if (standing.done) return standing.path;
    throw new DiskStoreError('fetch-failed', `The RAM of ${name} is not whole on this host.`);
  }

  ramArrived(instanceId: string): Promise<void> {
    return endRamWait(this.layout.instance(instanceId));
  }

  diskEpoch(instanceId: string): Promise<number> {
    return readDiskEpoch(this.layout.instance(instanceId));
  }

  /** Gone by one rename, so that a crash leaves no half of it; the bytes follow. */
  async removeInstanceFiles(instanceId: string): Promise<void> {
    const removing = this.layout.removing(instanceId);
    await rm(removing, { recursive: true, force: true });
    await rename(this.layout.instance(instanceId), removing).catch(unlessMissing);
    await rm(removing, { recursive: true, force: true });
    await rm(this.layout.making(instanceId), { recursive: true, force: true });
    await this.earlier.sweep().catch(this.options.onFault);
  }

  tellPhase(instanceId: string, phase: ReadPhase): void {
    void readInstanceBase(this.layout.instance(instanceId))
      .then((base) => (base?.backing.kind === 'nbd' ? this.options.mirror.tellPhase(instanceId, phase) : undefined))
      .catch(this.options.onFault);
  }

  serialLogEnd(instanceId: string, tailBytes: number): Promise<LogEnd> {
    return readLogEnd(join(this.layout.instance(instanceId), names.serialLog), tailBytes);
  }

  readSerialLog(instanceId: string, tailBytes: number): Promise<string> {
    return readLogTail(join(this.layout.instance(instanceId), names.serialLog), tailBytes);
  }

  space(): Promise<PoolSpace> {
    return poolSpace(this.layout.root);
  }

  /** Only QEMU passes to them, as to those of the mirror: their names are no secret, and they are open to all. */
  private async keepEarlierImages(): Promise<void> {
    const { earlierImages } = this.layout;
    if (!(await exists(earlierImages))) return;
    const { qemuOwner } = this.options;
    if (qemuOwner !== null) await chown(earlierImages, 0, qemuOwner.gid);
    await chmod(earlierImages, 0o710);
  }

  /** They hold what people write into cloud-configs, and earlier releases let every account of the host read them. */
  private async keepEarlierSeeds(entries: readonly string[]): Promise<void> {
    for (const name of entries) await chmod(join(this.layout.instances, name, names.seed), ownMode).catch(unlessMissing);
  }

  private async missingEarlier({ backing, kernel, ramdisk }: InstanceBase, spec: InstanceSpec): Promise<readonly NeededImage[]> {
    const paths = [backing.kind === 'file' ? backing.path : null, ...(spec.kernel === null ? [] : [kernel]), ...(spec.ramdisk === null ? [] : [ramdisk])];
    const right = await Promise.all(paths.map((path) => path !== null && this.earlier.isRight(path)));
    return imagesOf(spec).filter((_, index) => right[index] !== true).map((image) => ({ ...image, need: 'earlier-file' }));
  }

  private async isReady(image: NeededImage): Promise<boolean> {
    if (image.manifest === undefined) return false;
    // Whatever is wrong, fetching it meets the same and says so.
    const standing = await this.options.mirror.ask(image.manifest, image.need === 'whole' ? 'whole' : 'serve', { quick: true }).catch(() => null);
    return standing?.done === true;
  }

  /** Decides, once, what an instance that is not there yet is made of: a complete image as a plain file, any other through the mirror. */
  private newBase(instanceId: string, spec: InstanceSpec): Promise<NewBase> {
    let base = this.newBases.get(instanceId);
    if (base === undefined) {
      base = this.chooseBase(instanceId, spec);
      this.newBases.set(instanceId, base);
      base.catch(() => this.newBases.delete(instanceId));
    }
    return base;
  }

  private async chooseBase(instanceId: string, spec: InstanceSpec): Promise<NewBase> {
    const { mirror } = this.options;
    const wholeFile = async (image: ImageRef | null): Promise<string | null> => {
      if (image === null) return null;
      const standing = await mirror.ask(manifestOf(image), 'whole');
      if (!standing.done) throw new DiskStoreError('fetch-failed', `Image ${image.imageId} is not whole on this host.`);
      return standing.path;
    };
    const [disk, kernel, ramdisk] = await Promise.all([mirror.ask(manifestOf(spec.disk), 'serve'), wholeFile(spec.kernel), wholeFile(spec.ramdisk)]);
    return {
      backing: disk.complete ? { kind: 'file', path: disk.path, format: 'raw' } : { kind: 'nbd', socket: disk.socket, exportName: `${disk.exportName}.${instanceId}` },
      kernel,
      ramdisk,
      diskBytes: Math.max(disk.sizeBytes, spec.diskMiB * MiB),
    };
  }

  /** What was chosen may be of an earlier attempt: over holes in a plain file a guest would read zeros. */
  private async checkStillWhole({ backing }: NewBase, spec: InstanceSpec): Promise<void> {
    if (backing.kind === 'file' && !(await this.options.mirror.ask(manifestOf(spec.disk), 'serve')).complete) {
      throw new DiskStoreError('fetch-failed', `Image ${spec.disk.imageId} is not whole on this host any more.`);
    }
  }

  private async makeRunDirectory(directory: string): Promise<void> {
    const run = join(directory, names.run);
    await makeDirectory(run, 0o700);
    const { qemuOwner } = this.options;
    if (qemuOwner !== null) await chown(run, qemuOwner.uid, qemuOwner.gid);
  }
}

export function manifestOf(image: ImageRef): string {
  if (image.manifest !== undefined) return image.manifest;
  throw new DiskStoreError('image-missing', `The master names image ${image.imageId} without its chunks, so nothing can bring it: the master is of an earlier release, or it has not cut this image up yet. Upgrade the master, or launch again in a while.`);
}

/**
 * Backing and format are always named: a guessed format is an attack, a relative path a surprise. Over NBD it is named
 * without being opened (-u), so no byte is read ahead of the guest. Null: it lies over nothing.
 */
export async function makeOverlay(directory: string, { backing, diskBytes }: { readonly backing: BackingImage | null; readonly diskBytes: number }): Promise<void> {
  const overlay = join(directory, names.overlay);
  await runDiskTool('qemu-img', ['create', '-q', '-f', 'qcow2', ...over(backing), '-o', 'extended_l2=on,cluster_size=128k', '--', overlay, String(diskBytes)]);
  await chmod(overlay, ownMode);
  await syncFile(overlay);
}

function over(backing: BackingImage | null): readonly string[] {
  if (backing === null) return [];
  return backing.kind === 'file' ? ['-b', backing.path, '-F', backing.format] : ['-u', '-b', nbdUri(backing), '-F', 'raw'];
}

/** As in https://github.com/NetworkBlockDevice/nbd/blob/master/doc/uri.md */
function nbdUri({ socket, exportName }: { readonly socket: string; readonly exportName: string }): string {
  return `nbd+unix:///${encodeURIComponent(exportName)}?socket=${encodeURIComponent(socket).replaceAll('%2F', '/')}`;
}

/** What the mirror must keep for the instance is believed by its eviction, so it is synced like the overlay. */
async function rememberBase(directory: string, { backing, kernel, ramdisk }: NewBase, spec: InstanceSpec): Promise<void> {
  const contents = {
    [names.images]: imagesOf(spec).map((image) => `${manifestOf(image)}\n`).join(''),
    [names.backing]: writeInstanceBase({ backing, kernel, ramdisk }),
    [names.epoch]: `${wantedDiskEpoch(spec)}\n`,
    ...(spec.ram === undefined ? {} : { [names.ram]: `${manifestOf(spec.ram)}\n` }),
  };
  for (const [name, text] of Object.entries(contents)) {
    const file = join(directory, name);
    await writeFile(file, text, { mode: 0o600 });
    await syncFile(file);
  }
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
  await chmod(seed, ownMode);
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

function unlessMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error;
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
