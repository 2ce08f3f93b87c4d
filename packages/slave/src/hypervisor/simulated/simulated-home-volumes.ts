import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { deltaEnd, encodeDeltaHead } from '@paravcl/shared/chunks/delta';
import { defaultChunkBytes } from '@paravcl/shared/chunks/manifest';
import { parseJson } from '@paravcl/shared/parse-json';
import type { HomeSpec } from '@paravcl/shared/protocol/desired-instance';
import { z } from 'zod';
import type { DiskDelta } from '../../disks/disk-snapshots';
import { DiskStoreError, type NeededImage } from '../../disks/disk-store';
import { homeBytes, type HomeVolumes, type LeavingHome } from '../../disks/home-volumes';
import type { HomeDisk } from '../driver';

/** By volume. */
const stateSchema = z.record(z.string(), z.object({ epoch: z.int(), sizeBytes: z.int() }).readonly());
type State = Readonly<z.infer<typeof stateSchema>>;

/** Home volumes that nobody writes: every delta says that nothing differs. */
export class SimulatedHomeVolumes implements HomeVolumes {
  private volumes: State = {};
  /** Volumes that a guest is said to write. */
  readonly written = new Set<string>();

  /** Where deltas and the state are kept; both outlive the agent. */
  constructor(private readonly directory: string) {}

  open(): Promise<void> {
    mkdirSync(this.directory, { recursive: true, mode: 0o700 });
    try {
      this.volumes = stateSchema.parse(parseJson(readFileSync(this.stateFile, 'utf8')));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw new DiskStoreError('failed', `${this.stateFile} does not hold simulated home volumes; delete it to start with none`, { cause: error });
    }
    return Promise.resolve();
  }

  /** Epochs of what is here, by volume. */
  epochs(): Readonly<Record<string, number>> {
    return Object.fromEntries(Object.entries(this.volumes).map(([id, { epoch }]) => [id, epoch]));
  }

  missingImage(): Promise<NeededImage | null> {
    return Promise.resolve(null);
  }

  isHere({ volumeId, epoch }: Pick<HomeSpec, 'volumeId' | 'epoch'>): Promise<boolean> {
    return Promise.resolve(this.volumes[volumeId]?.epoch === epoch);
  }

  make(home: HomeSpec): Promise<HomeDisk> {
    const { volumeId, epoch } = home;
    const here = this.volumes[volumeId]?.epoch ?? 0;
    if (here > epoch) return Promise.reject(new DiskStoreError('failed', `simulated: home volume ${volumeId} is here of epoch ${here}`));
    if (here < epoch) this.change({ ...this.volumes, [volumeId]: { epoch, sizeBytes: homeBytes(home) } });
    return Promise.resolve({ overlay: `/simulated/homes/${volumeId}/overlay.qcow2`, backing: null });
  }

  async delta({ volumeId, epoch, imageId, base }: LeavingHome): Promise<DiskDelta | null> {
    const volume = this.volumes[volumeId];
    if (volume?.epoch !== epoch) return null;
    this.requireStill(volumeId);
    const end = Buffer.alloc(4);
    end.writeUInt32BE(deltaEnd);
    const bytes = Buffer.concat([encodeDeltaHead({ chunkBytes: defaultChunkBytes, sizeBytes: volume.sizeBytes, base }), end]);
    const path = join(this.directory, `${volumeId}.${imageId}.delta`);
    await writeFile(path, bytes, { mode: 0o600 });
    return { path, sizeBytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex'), dirtiedBytes: 0 };
  }

  async drop(volumeId: string, epoch: number): Promise<void> {
    const here = this.volumes[volumeId]?.epoch;
    if (here === undefined || here > epoch) return;
    this.requireStill(volumeId);
    this.change(Object.fromEntries(Object.entries(this.volumes).filter(([id]) => id !== volumeId)));
    await rm(join(this.directory, `${volumeId}.delta`), { force: true });
  }

  private requireStill(volumeId: string): void {
    if (this.written.has(volumeId)) throw new DiskStoreError('failed', `simulated: a guest writes home volume ${volumeId}`);
  }

  private get stateFile(): string {
    return join(this.directory, 'homes.json');
  }

  private change(volumes: State): void {
    this.volumes = volumes;
    mkdirSync(this.directory, { recursive: true, mode: 0o700 });
    writeFileSync(`${this.stateFile}.new`, JSON.stringify(volumes), { mode: 0o600 });
    renameSync(`${this.stateFile}.new`, this.stateFile);
  }
}
