import { readdir, rm } from 'node:fs/promises';
import { type Clock, sleep } from '@paravcl/shared/clock';
import { MiB } from '@paravcl/shared/domain/limits';
import { idSchema } from '@paravcl/shared/ids';
import { mostChunks } from '@paravcl/shared/chunks/manifest';
import type { FrozenDisk } from '@paravcl/shared/protocol/commands';
import { WorkQueue } from '@paravcl/shared/work-queue';
import { HypervisorError, type DiskSwitch, type DomainState, type HypervisorDriver, type SwitchedDisk } from '../hypervisor/driver';
import { baseOf, onlyOverlay, snapshotOf, switched, withoutSnapshot, withSnapshot, type DiskSnapshot } from './disk-layers';
import { UnknownSnapshotError, type DiskDelta, type DiskSnapshots, type DiskToFreeze, type SnapshotPart } from './disk-snapshots';
import { DiskStoreError } from './disk-store';
import { LayeredDisk, type LayeredDiskParts } from './layered-disk';
import type { MirrorClient } from './mirror-client';
import { PoolLayout } from './pool-layout';
import { checkPoolRoom } from './pool-space';
import { snapshotDelta } from './snapshot-delta';
import { keepRam, ramDelta } from './snapshot-ram';

export interface PoolSnapshotsParts {
  /** The pool's directory. */
  readonly directory: string;
  readonly reserveMiB: number;
  readonly driver: HypervisorDriver;
  readonly mirror: Pick<MirrorClient, 'ask'>;
  readonly clock: Clock;
  /** Told of faults that stop nothing. */
  readonly onFault: (error: unknown) => void;
}

/** What is to be done of one disk. */
type Prepared =
  | { readonly kind: 'answered'; readonly answer: FrozenDisk }
  | { readonly kind: 'still'; readonly wish: DiskToFreeze; readonly disk: LayeredDisk; readonly snapshot: DiskSnapshot }
  | { readonly kind: 'running'; readonly wish: DiskToFreeze; readonly disk: LayeredDisk; readonly snapshot: DiskSnapshot; readonly layer: string };

/** An empty layer, and what a guest writes until somebody looks. */
const layerStartBytes = 1 * MiB;
/** Above this many, layers that were left by merges that failed become one before the next snapshot, not after it. */
const mostLayers = 8;
/** Tools and writes beside each other. */
const parallel = 4;
/** A hypervisor that went away during a switch is asked so long what became of it. */
const askAgainMs = 30_000;
const askEveryMs = 500;

/** Snapshots of the disks in a pool, as decision 0015 says. */
export class PoolDiskSnapshots implements DiskSnapshots {
  private readonly layout: PoolLayout;
  private readonly disks: LayeredDiskParts;
  private readonly work = new WorkQueue(parallel);
  private readonly chunkBytes = new Map<string, number>();

  constructor(private readonly parts: PoolSnapshotsParts) {
    this.layout = new PoolLayout(parts.directory);
    this.disks = { root: parts.directory, reserveMiB: parts.reserveMiB, driver: parts.driver, onFault: parts.onFault };
  }

  async recover(): Promise<void> {
    try {
      const states = await this.states();
      for (const instanceId of (await readdir(this.layout.instances)).filter((name) => idSchema.safeParse(name).success)) {
        const disk = await LayeredDisk.open(this.disks, instanceId, this.layout.instance(instanceId)).catch(this.told);
        await disk?.settle(states.get(instanceId) ?? null).catch(this.told);
        await disk?.sweep().catch(this.told);
      }
    } catch (error) {
      this.parts.onFault(error);
    }
  }

  async freeze(snapshotId: string, disks: readonly DiskToFreeze[]): Promise<readonly FrozenDisk[]> {
    let states: ReadonlyMap<string, DomainState>;
    try {
      states = await this.states();
    } catch (error) {
      return disks.map((disk) => refused(disk, error));
    }
    const prepared = await Promise.all(disks.map((disk) => this.work.run(() => this.prepare(snapshotId, disk, states.get(disk.instanceId) ?? null))));
    // Those that run first: of the others nothing changes meanwhile, and their deltas take as long as they are large.
    const running = await this.freezeRunning(prepared);
    return Promise.all(
      prepared.map((each): FrozenDisk | Promise<FrozenDisk> => {
        if (each.kind === 'answered') return each.answer;
        if (each.kind === 'still') return this.work.run(() => this.freezeStill(each)).catch((error: unknown) => refused(each.wish, error));
        return running.get(each.disk.instanceId) ?? refused(each.wish, new Error('the hypervisor said nothing of it.'));
      }),
    );
  }

  async delta(snapshotId: string, instanceId: string, what: SnapshotPart = 'disk'): Promise<DiskDelta> {
    const disk = await LayeredDisk.open(this.disks, instanceId, this.layout.instance(instanceId));
    const snapshot = disk === null ? null : snapshotOf(disk.layers, snapshotId);
    if (disk === null || snapshot === null) throw new UnknownSnapshotError(`No snapshot ${snapshotId} of instance ${instanceId} is known on this host: it was given up, or the disk began anew. Take it again.`);
    return this.work.run(() => (what === 'ram' ? ramDelta : snapshotDelta)(disk, snapshot, this.disks));
  }

  async end(snapshotId: string, instanceId: string, manifest: string | null): Promise<void> {
    const disk = await LayeredDisk.open(this.disks, instanceId, this.layout.instance(instanceId));
    if (disk === null) return;
    const ended = snapshotOf(disk.layers, snapshotId);
    if (ended !== null) {
      await disk.write(withoutSnapshot(disk.layers, snapshotId, manifest));
      for (const path of [disk.deltaPath(ended), disk.ramDeltaPath(ended), disk.ramPath(ended)]) await rm(path, { force: true });
    }
    try {
      const domain = await this.parts.driver.find(instanceId);
      await disk.settle(domain?.state ?? null);
      if (domain?.state === 'running' || domain?.state === 'paused') await disk.merge();
    } catch (error) {
      this.parts.onFault(error);
    }
  }

  private async prepare(snapshotId: string, wish: DiskToFreeze, state: DomainState | null): Promise<Prepared> {
    try {
      const { instanceId, bases } = wish;
      const disk = await LayeredDisk.open(this.disks, instanceId, this.layout.instance(instanceId), onlyOverlay);
      if (disk === null) throw new DiskStoreError('failed', 'It has no disk on this host.');
      const known = snapshotOf(disk.layers, snapshotId);
      if (known !== null) return { kind: 'answered', answer: frozen(instanceId, known) };
      const image = await disk.image();
      await disk.settle(state);
      await disk.sweep();
      if (disk.layers.layers.length > mostLayers && (state === 'running' || state === 'paused')) await disk.merge();
      const from = baseOf(disk.layers, image, bases);
      if (from === null) throw new DiskStoreError('failed', 'The master has neither its image any more nor what it was saved as last, so nothing is there to tell a difference from.');
      const [sizeBytes, chunkBytes] = await Promise.all([disk.sizeBytes(), this.chunkBytesOf(image)]);
      if (sizeBytes / chunkBytes > mostChunks) throw new DiskStoreError('failed', `Its disk of ${Math.ceil(sizeBytes / MiB)} MiB is too large for its image’s chunks of ${chunkBytes} bytes: at most ${(mostChunks * chunkBytes) / MiB} MiB can be snapshotted.`);
      const isStill = state === null || state === 'off' || state === 'crashed' || state === 'saved';
      if (wish.ram === true && !isStill) throw new DiskStoreError('failed', 'Its RAM was asked for, which is kept of an instance that is suspended, and it runs. Suspend it first, or take the snapshot without RAM.');
      const upTo = disk.layers.layers.length;
      const snapshot: DiskSnapshot = { snapshotId, how: !isStill ? 'running' : state === 'saved' ? 'saved' : 'off', quiesced: false, ...from, upTo, chunkBytes, sizeBytes, delta: null };
      if (isStill) return { kind: 'still', wish, disk, snapshot };
      await checkPoolRoom(this.disks, layerStartBytes, 'a new layer of its disk');
      return { kind: 'running', wish, disk, snapshot, layer: await disk.makeCandidate(sizeBytes) };
    } catch (error) {
      return { kind: 'answered', answer: refused(wish, error) };
    }
  }

  private async freezeRunning(prepared: readonly Prepared[]): Promise<ReadonlyMap<string, FrozenDisk>> {
    const running = prepared.filter((each) => each.kind === 'running');
    if (running.length === 0) return new Map();
    const answers = new Map((await this.switchAll(running.map(({ disk, layer }) => ({ instanceId: disk.instanceId, layer })))).map((each) => [each.instanceId, each]));
    const all = await Promise.all(running.map(({ wish, disk, snapshot }) => this.finish(disk, snapshot, answers.get(disk.instanceId)).catch((error: unknown) => refused(wish, error))));
    return new Map(all.map((each) => [each.instanceId, each]));
  }

  private switchAll(switches: readonly DiskSwitch[]): Promise<readonly SwitchedDisk[]> {
    return this.parts.driver.switchDisks(switches).catch((error: unknown): readonly SwitchedDisk[] => {
      const fault = error instanceof HypervisorError ? error : new HypervisorError('failed', (error as Error).message, { cause: error });
      return switches.map(({ instanceId }) => ({ instanceId, ok: false, error: fault }));
    });
  }

  private async finish(disk: LayeredDisk, snapshot: DiskSnapshot, what: SwitchedDisk | undefined): Promise<FrozenDisk> {
    if (what === undefined) throw new Error('the hypervisor said nothing of it.');
    if (!what.ok) {
      const isUnsure = what.error.code === 'timeout' || what.error.code === 'unavailable';
      await this.settleAfter(disk, !isUnsure).catch(this.told);
      throw what.error;
    }
    const taken = { ...snapshot, quiesced: what.quiesced };
    await disk.write(withSnapshot(switched(disk.layers), taken));
    return frozen(disk.instanceId, taken);
  }

  /** Of one whose switch was refused, or went unanswered: the caller holds its steps back until this is known. */
  private async settleAfter(disk: LayeredDisk, surely: boolean): Promise<void> {
    const { driver, clock } = this.parts;
    const endMs = clock.monotonicMs() + askAgainMs;
    for (;;) {
      try {
        await disk.settle((await driver.find(disk.instanceId))?.state ?? null, { surely });
        return;
      } catch (error) {
        const isAway = error instanceof HypervisorError && (error.code === 'unavailable' || error.code === 'timeout');
        if (!isAway || clock.monotonicMs() > endMs) throw error;
        await sleep(clock, askEveryMs);
      }
    }
  }

  /** Nobody writes it, so its delta is made of it as it lies, before anybody may. */
  private async freezeStill({ wish, disk, snapshot }: Extract<Prepared, { readonly kind: 'still' }>): Promise<FrozenDisk> {
    const { instanceId } = disk;
    const keepsRam = wish.ram === true && snapshot.how === 'saved';
    const taken: DiskSnapshot = keepsRam ? { ...snapshot, ram: { sizeBytes: await keepRam(disk, snapshot, await this.parts.driver.savedRam(instanceId), this.disks), delta: null } } : snapshot;
    await snapshotDelta(disk, taken, this.disks).catch(async (error: unknown) => {
      if (keepsRam) await rm(disk.ramPath(snapshot), { force: true }).catch(this.told);
      throw error;
    });
    return frozen(instanceId, taken);
  }

  private async states(): Promise<ReadonlyMap<string, DomainState>> {
    return new Map((await this.parts.driver.inventory()).owned.map(({ instanceId, state }) => [instanceId, state]));
  }

  /** What is made of an image by deltas keeps its size of chunks. */
  private async chunkBytesOf(image: string): Promise<number> {
    const known = this.chunkBytes.get(image) ?? (await this.parts.mirror.ask(image, 'serve', { quick: true })).chunkBytes;
    if (known === undefined) throw new DiskStoreError('failed', 'The mirror of this host is of an earlier release. Restart it, which ends no guest: systemctl restart paravcl-mirror');
    this.chunkBytes.set(image, known);
    return known;
  }

  private readonly told = (error: unknown): null => {
    this.parts.onFault(error);
    return null;
  };
}

function frozen(instanceId: string, { how, quiesced, base, sizeBytes, ram }: DiskSnapshot): FrozenDisk {
  return { instanceId, ok: true, how, quiesced, base, sizeBytes, ...(ram === undefined ? {} : { ramBytes: ram.sizeBytes }) };
}

const mostMessage = 1000;

function refused({ instanceId, spec }: { readonly instanceId: string; readonly spec: { readonly name: string } }, error: unknown): FrozenDisk {
  return { instanceId, ok: false, message: `The disk of ${spec.name} is not snapshotted: ${(error as Error).message}`.slice(0, mostMessage) };
}
