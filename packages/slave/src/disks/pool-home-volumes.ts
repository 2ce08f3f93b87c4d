import { chmod, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { emptyContent } from '@paravcl/shared/chunks/delta';
import { defaultChunkBytes, mostChunks } from '@paravcl/shared/chunks/manifest';
import { MiB } from '@paravcl/shared/domain/limits';
import type { HomeSpec } from '@paravcl/shared/protocol/desired-instance';
import type { BackingImage, HomeDisk, HypervisorDriver } from '../hypervisor/driver';
import { readDiskEpoch } from './disk-epoch';
import { onlyOverlay, snapshotOf, withoutSnapshot, type DiskSnapshot } from './disk-layers';
import type { DiskDelta } from './disk-snapshots';
import { DiskStoreError, type NeededImage } from './disk-store';
import { homeBytes, type HomeVolumes, type LeavingHome } from './home-volumes';
import { readInstanceBase, writeInstanceBase } from './instance-base';
import { LayeredDisk } from './layered-disk';
import { diskBytesOf, isBeingWritten } from './layer-file';
import type { MirrorClient } from './mirror-client';
import { makeOverlay, manifestOf } from './pool-disk-store';
import { makingPrefix, names, PoolLayout, removingPrefix } from './pool-layout';
import { checkPoolRoom } from './pool-space';
import { snapshotDelta } from './snapshot-delta';
import { syncDirectory } from './sync-directory';

export interface PoolHomesParts {
  /** The pool's directory. */
  readonly directory: string;
  readonly reserveMiB: number;
  readonly driver: HypervisorDriver;
  readonly mirror: Pick<MirrorClient, 'ask'>;
  /** Told of faults that stop nothing. */
  readonly onFault: (error: unknown) => void;
}

/** As of an instance's overlay, which it is like. */
const startBytes = 16 * MiB;
/** In the list of images of one that lies over none. */
const overNothing = 'nothing';

/** Home volumes in a pool: each in a directory of the shape of an instance's, so that the tools for disks serve for them. */
export class PoolHomeVolumes implements HomeVolumes {
  private readonly layout: PoolLayout;
  private swept = false;
  /** By volume: what is made or removed, one after the other, so that nothing is removed before it is there. */
  private readonly turns = new Map<string, Promise<unknown>>();

  constructor(private readonly parts: PoolHomesParts) {
    this.layout = new PoolLayout(parts.directory);
  }

  async open(): Promise<void> {
    const { homes } = this.layout;
    await mkdir(homes, { recursive: true, mode: 0o711 });
    await chmod(homes, 0o711);
    if (this.swept) return;
    this.swept = true;
    const stale = (await readdir(homes)).filter((name) => name.startsWith(makingPrefix) || name.startsWith(removingPrefix));
    await Promise.all(stale.map((name) => rm(join(homes, name), { recursive: true, force: true })));
  }

  async missingImage(home: HomeSpec): Promise<NeededImage | null> {
    if (home.disk === null) return null;
    const written = (await this.isHere(home)) ? await readInstanceBase(this.layout.home(home.volumeId)) : null;
    // Over a plain file nobody stands between guest and disk who would check what it reads.
    const need = written?.backing.kind === 'file' ? 'whole' : 'served';
    const standing = await this.parts.mirror.ask(manifestOf(home.disk), need === 'whole' ? 'whole' : 'serve', { quick: true }).catch(() => null);
    return standing?.done === true ? null : { ...home.disk, need };
  }

  async isHere({ volumeId, epoch }: Pick<HomeSpec, 'volumeId' | 'epoch'>): Promise<boolean> {
    return (await this.epochOf(volumeId)) === epoch;
  }

  make(home: HomeSpec): Promise<HomeDisk> {
    return this.inTurn(home.volumeId, () => this.makeNow(home));
  }

  async delta({ volumeId, epoch, imageId, base }: LeavingHome): Promise<DiskDelta | null> {
    if (!(await this.isHere({ volumeId, epoch }))) return null;
    const { parts } = this;
    const directory = this.layout.home(volumeId);
    const overlay = join(directory, names.overlay);
    await requireStill(overlay);
    const [listed] = (await readFile(join(directory, names.images), 'utf8')).split('\n');
    const lies = listed === overNothing ? emptyContent : listed;
    if (lies !== base) throw new DiskStoreError('failed', `Home volume ${volumeId} lies over ${String(lies).slice(0, 12)}… here, and what differs from ${base.slice(0, 12)}… was asked for.`);
    const [sizeBytes, chunkBytes] = await Promise.all([diskBytesOf(overlay), this.chunkBytesOf(base)]);
    if (sizeBytes / chunkBytes > mostChunks) throw new DiskStoreError('failed', `The home volume of ${Math.ceil(sizeBytes / MiB)} MiB is too large for chunks of ${chunkBytes} bytes.`);
    const disk = await LayeredDisk.open({ root: parts.directory, reserveMiB: parts.reserveMiB, driver: parts.driver, onFault: parts.onFault }, volumeId, directory, onlyOverlay);
    if (disk === null) throw new DiskStoreError('failed', `Home volume ${volumeId} is not there.`);
    // Only one return is under way; those before it were given up, and the guest may have written since.
    const own = snapshotOf(disk.layers, imageId);
    const isMade = own?.delta != null && (await stat(disk.deltaPath(own)).catch(() => null))?.size === own.delta.sizeBytes;
    for (const { snapshotId } of disk.layers.snapshots) if (snapshotId !== imageId || !isMade) await disk.write(withoutSnapshot(disk.layers, snapshotId, null));
    await disk.sweep();
    const fresh: DiskSnapshot = { snapshotId: imageId, how: 'off', quiesced: false, base, chunkBytes, sizeBytes, from: 0, upTo: 1, delta: null };
    return snapshotDelta(disk, isMade ? own : fresh, { root: parts.directory, reserveMiB: parts.reserveMiB });
  }

  drop(volumeId: string, epoch: number): Promise<void> {
    return this.inTurn(volumeId, async () => {
      const here = await this.epochOf(volumeId);
      if (here !== null && here <= epoch) await this.remove(volumeId);
    });
  }

  private async makeNow(home: HomeSpec): Promise<HomeDisk> {
    const { volumeId, epoch } = home;
    const here = await this.epochOf(volumeId);
    if (here !== null && here > epoch) throw new DiskStoreError('failed', `Home volume ${volumeId} was attached here once more since: what is here is of epoch ${here}, and ${epoch} was told.`);
    if (here !== epoch) {
      await this.remove(volumeId);
      await this.makeAnew(home);
    }
    const directory = this.layout.home(volumeId);
    return { overlay: join(directory, names.overlay), backing: (await readInstanceBase(directory))?.backing ?? null };
  }

  private inTurn<T>(volumeId: string, act: () => Promise<T>): Promise<T> {
    const done = (this.turns.get(volumeId) ?? Promise.resolve()).then(act);
    const turn = done.catch(() => undefined).finally(() => {
      if (this.turns.get(volumeId) === turn) this.turns.delete(volumeId);
    });
    this.turns.set(volumeId, turn);
    return done;
  }

  /** Null without one. */
  private async epochOf(volumeId: string): Promise<number | null> {
    const directory = this.layout.home(volumeId);
    return (await stat(directory).catch(unlessMissing)) === null ? null : readDiskEpoch(directory);
  }

  private async makeAnew(home: HomeSpec): Promise<void> {
    const { volumeId, epoch, disk, sizeMiB } = home;
    const making = this.layout.makingHome(volumeId);
    await rm(making, { recursive: true, force: true });
    try {
      await checkPoolRoom({ root: this.parts.directory, reserveMiB: this.parts.reserveMiB }, startBytes, 'a home volume');
      await mkdir(making);
      const backing = await this.backingOf(home);
      await makeOverlay(making, { backing, diskBytes: homeBytes({ sizeMiB, disk }) });
      await writeFile(join(making, names.images), `${disk === null ? overNothing : manifestOf(disk)}\n`, { mode: 0o600, flush: true });
      if (backing !== null) await writeFile(join(making, names.backing), writeInstanceBase({ backing, kernel: null, ramdisk: null }), { mode: 0o600, flush: true });
      await writeFile(join(making, names.epoch), `${epoch}\n`, { mode: 0o600, flush: true });
      await chmod(making, 0o711);
      await syncDirectory(making);
      await rename(making, this.layout.home(volumeId));
      await syncDirectory(this.layout.homes);
    } catch (error) {
      await rm(making, { recursive: true, force: true });
      throw asStoreError(error);
    }
  }

  private async backingOf({ volumeId, disk }: HomeSpec): Promise<BackingImage | null> {
    if (disk === null) return null;
    const standing = await this.parts.mirror.ask(manifestOf(disk), 'serve');
    return standing.complete ? { kind: 'file', path: standing.path, format: 'raw' } : { kind: 'nbd', socket: standing.socket, exportName: `${standing.exportName}.${volumeId}` };
  }

  /** Gone by one rename, so that a crash leaves no half of it; the bytes follow. */
  private async remove(volumeId: string): Promise<void> {
    const directory = this.layout.home(volumeId);
    if ((await stat(directory).catch(unlessMissing)) === null) return;
    await requireStill(join(directory, names.overlay));
    const removing = this.layout.removingHome(volumeId);
    await rm(removing, { recursive: true, force: true });
    await rename(directory, removing);
    await syncDirectory(this.layout.homes);
    await rm(removing, { recursive: true, force: true });
  }

  private async chunkBytesOf(base: string): Promise<number> {
    if (base === emptyContent) return defaultChunkBytes;
    const { chunkBytes } = await this.parts.mirror.ask(base, 'serve', { quick: true });
    if (chunkBytes === undefined) throw new DiskStoreError('failed', 'The mirror of this host is of an earlier release. Restart it, which ends no guest: systemctl restart paravcl-mirror');
    return chunkBytes;
  }
}

async function requireStill(overlay: string): Promise<void> {
  if (await isBeingWritten(overlay)) throw new DiskStoreError('failed', 'A guest still writes the home volume. It is tried again.');
}

function unlessMissing(error: NodeJS.ErrnoException): null {
  if (error.code !== 'ENOENT') throw error;
  return null;
}

function asStoreError(error: unknown): DiskStoreError {
  if (error instanceof DiskStoreError) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'ENOSPC' || code === 'EDQUOT') return new DiskStoreError('no-room', 'The pool filled up while a home volume was made.', { cause: error });
  return new DiskStoreError('failed', `A home volume could not be made: ${message}`, { cause: error });
}
