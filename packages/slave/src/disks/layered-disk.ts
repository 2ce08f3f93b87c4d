import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { sha256Schema } from '@paravcl/shared/domain/limits';
import type { ManifestId } from '@paravcl/shared/chunks/manifest';
import type { DomainState, HypervisorDriver } from '../hypervisor/driver';
import { merged, nextMerge, notSwitched, switched, topLayer, withCandidate, type DiskLayers, type DiskSnapshot } from './disk-layers';
import { DiskStoreError } from './disk-store';
import { readInstanceBase } from './instance-base';
import { extentsOfLayer } from './layer-map';
import { diskBytesOf, isBeingWritten, makeLayer, removeUnnamed, storedBytes } from './layer-file';
import { chainFiles, readLayers, writeLayers } from './layers-file';
import { names } from './pool-layout';
import { checkPoolRoom } from './pool-space';

export interface LayeredDiskParts {
  readonly root: string;
  readonly reserveMiB: number;
  readonly driver: HypervisorDriver;
  /** Told of faults that stop nothing. */
  readonly onFault: (error: unknown) => void;
}

/**
 * The disk of one instance as files and record, for one call at a time.
 *
 * An empty layer on top changes no content, so nothing depends on knowing whether a switch that was broken off happened: of a
 * running guest the hypervisor says, or the lock that QEMU has on what it writes; one that is off goes on with the new layer.
 */
export class LayeredDisk {
  private constructor(
    private readonly parts: LayeredDiskParts,
    readonly instanceId: string,
    readonly directory: string,
    private disk: DiskLayers,
  ) {}

  /** Null where it never was snapshotted; with `first` one that begins with its overlay alone. */
  static async open(parts: LayeredDiskParts, instanceId: string, directory: string, first: DiskLayers | null = null): Promise<LayeredDisk | null> {
    const disk = (await readLayers(directory)) ?? first;
    return disk === null ? null : new LayeredDisk(parts, instanceId, directory, disk);
  }

  get layers(): DiskLayers {
    return this.disk;
  }

  path(name: string): string {
    return join(this.directory, name);
  }

  deltaPath({ snapshotId }: Pick<DiskSnapshot, 'snapshotId'>): string {
    return this.path(deltaName(snapshotId));
  }

  ramPath({ snapshotId }: Pick<DiskSnapshot, 'snapshotId'>): string {
    return this.path(ramName(snapshotId));
  }

  ramDeltaPath({ snapshotId }: Pick<DiskSnapshot, 'snapshotId'>): string {
    return this.path(ramDeltaName(snapshotId));
  }

  async write(disk: DiskLayers): Promise<void> {
    await writeLayers(this.directory, disk);
    this.disk = disk;
  }

  sizeBytes(): Promise<number> {
    return diskBytesOf(this.path(names.overlay));
  }

  /** The manifest its overlay lies over. Throws DiskStoreError for a disk that is not there, or that is of an earlier release. */
  async image(): Promise<ManifestId> {
    const text = await readFile(this.path(names.images), 'utf8').catch(() => null);
    if (text === null) throw new DiskStoreError('failed', 'It has no disk on this host.');
    const [first] = text.split('\n');
    if (sha256Schema.safeParse(first).success && first !== undefined) return first;
    throw new DiskStoreError('failed', 'Its disk was made by an earlier release, over a whole file: it cannot be told what differs. Instances that are launched now can be snapshotted.');
  }

  /** Makes the layer of the next switch, durable, and answers its path. */
  async makeCandidate(sizeBytes: number): Promise<string> {
    const next = withCandidate(this.disk);
    const path = this.path(next.candidate);
    if (this.disk.candidate === null) {
      await makeLayer(path, this.path(topLayer(this.disk)), sizeBytes);
      await this.write(next);
    }
    return path;
  }

  /**
   * Makes the record what is, and the definition of a domain that is off or saved what the record says. `surely`: nobody is
   * switching it any more, so a candidate that is not written goes.
   */
  async settle(state: DomainState | null, { surely = false } = {}): Promise<void> {
    const isActive = state !== null && state !== 'off' && state !== 'crashed' && state !== 'saved';
    if (this.disk.candidate !== null && (await this.isIn(this.disk.candidate, state))) {
      const next = switched(this.disk);
      if (!isActive) await this.straighten(state, next);
      return this.write(next);
    }
    if (this.disk.candidate !== null && (surely || !isActive)) await this.dropCandidate(this.disk.candidate);
    if (!isActive) await this.straighten(state, this.disk);
  }

  /** Removes what a call that was broken off left. Never while a delta is made. */
  async sweep(): Promise<void> {
    const { layers, candidate, snapshots } = this.disk;
    const ofSnapshots = snapshots.flatMap(({ snapshotId, ram }) => [
      deltaName(snapshotId),
      ...(ram === undefined ? [] : [ramDeltaName(snapshotId)]),
      ...(ram?.delta === null ? [ramName(snapshotId)] : []),
    ]);
    await removeUnnamed(this.directory, new Set([...layers, ...(candidate === null ? [] : [candidate]), ...ofSnapshots]));
  }

  /** Makes layers one that nobody needs apart, of a guest that runs. What goes wrong is told, and tried again after the next snapshot. */
  async merge(): Promise<void> {
    try {
      for (let next = nextMerge(this.disk); next !== null; next = nextMerge(this.disk)) {
        const gone = next.gone.map((name) => this.path(name));
        await checkPoolRoom(this.parts, await storedBytes(gone), `making layers of the disk of ${this.instanceId} one`);
        await this.parts.driver.mergeLayers(this.instanceId, this.path(next.base), gone);
        await this.write(merged(this.disk, next));
        await Promise.all(gone.map((path) => rm(path, { force: true })));
      }
    } catch (error) {
      this.parts.onFault(error);
    }
  }

  /** Whether the candidate is what its guest writes. */
  private async isIn(candidate: string, state: DomainState | null): Promise<boolean> {
    const path = this.path(candidate);
    if (state === null || state === 'off' || state === 'crashed') return true;
    if ((await this.parts.driver.diskChain(this.instanceId))[0] === path) return true;
    if (state === 'saved') return !(await isEmpty(path));
    // QEMU opens a layer to write before it goes on in it, and lets go of the one below after.
    if (!(await isBeingWritten(path)) || (await isBeingWritten(this.path(topLayer(this.disk))))) return false;
    this.parts.onFault(new Error(`QEMU writes ${path}, and libvirt believes that it writes what is below: it died between the two. Stop the instance and start it, before it is suspended or snapshotted again.`));
    return true;
  }

  private async dropCandidate(candidate: string): Promise<void> {
    await this.write(notSwitched(this.disk));
    await rm(this.path(candidate), { force: true });
  }

  private async straighten(state: DomainState | null, disk: DiskLayers): Promise<void> {
    if (state === null || disk.layers.length < 2) return;
    const files = chainFiles(this.directory, disk);
    const wanted = [files.overlay, ...files.layers];
    const chain = await this.parts.driver.diskChain(this.instanceId);
    if (wanted.every((path, at) => chain[at] === path) && !chain.slice(wanted.length).some((path) => path.startsWith(`${this.directory}/`))) return;
    const base = await readInstanceBase(this.directory);
    if (base !== null) await this.parts.driver.redirectDisk(this.instanceId, { ...files, backing: base.backing });
  }
}

function deltaName(snapshotId: string): string {
  return `delta-${snapshotId}`;
}

function ramName(snapshotId: string): string {
  return `ram-${snapshotId}`;
}

function ramDeltaName(snapshotId: string): string {
  return `${deltaName(snapshotId)}-ram`;
}

async function isEmpty(layer: string): Promise<boolean> {
  for await (const extent of extentsOfLayer(layer)) return extent.length === 0;
  return true;
}
