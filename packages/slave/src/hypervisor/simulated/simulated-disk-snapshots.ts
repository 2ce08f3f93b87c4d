import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { defaultChunkBytes } from '@paravcl/shared/chunks/manifest';
import { deltaBlockBytes, deltaEnd, emptyContent, encodeDeltaHead, maskBytes, setBlock } from '@paravcl/shared/chunks/delta';
import { type Clock, sleep } from '@paravcl/shared/clock';
import { MiB } from '@paravcl/shared/domain/limits';
import { parseJson } from '@paravcl/shared/parse-json';
import { frozenDiskSchema, type FrozenDisk } from '@paravcl/shared/protocol/commands';
import { z } from 'zod';
import { UnknownSnapshotError, type DiskDelta, type DiskSnapshots, type DiskToFreeze, type SnapshotPart } from '../../disks/disk-snapshots';
import { DiskStoreError, type DiskStoreErrorCode } from '../../disks/disk-store';
import type { HypervisorDriver } from '../driver';

export interface SimulatedDiskSnapshotsOptions {
  readonly clock: Clock;
  readonly driver: Pick<HypervisorDriver, 'inventory'>;
  /** Where deltas and the state are kept; both outlive the agent. */
  readonly directory: string;
  readonly delaysMs?: Readonly<Partial<Record<SnapshotCall, number>>>;
}

export type SnapshotCall = 'freeze' | 'delta' | 'end';

/** By snapshot and instance. */
const stateSchema = z.record(z.string(), frozenDiskSchema);

/** Snapshots of disks that nobody writes: every delta says that nothing differs from the image; RAM is one block that tells whose it is. For tests of scale and of failure. */
export class SimulatedDiskSnapshots implements DiskSnapshots {
  private frozen: Readonly<Record<string, FrozenDisk>>;
  private readonly delaysMs: Map<SnapshotCall, number>;
  private readonly faults: { readonly call: SnapshotCall; readonly code: DiskStoreErrorCode }[] = [];
  /** How often `end` was called for what is known, with the manifest. */
  readonly ended: { readonly snapshotId: string; readonly instanceId: string; readonly manifest: string | null }[] = [];

  constructor(private readonly options: SimulatedDiskSnapshotsOptions) {
    this.delaysMs = new Map(Object.entries(options.delaysMs ?? {}) as [SnapshotCall, number][]);
    mkdirSync(options.directory, { recursive: true, mode: 0o700 });
    this.frozen = this.read();
  }

  /** The next such call fails so; of `freeze` one disk of it does. Several are used up in order. */
  failNext(call: SnapshotCall, code: DiskStoreErrorCode): void {
    this.faults.push({ call, code });
  }

  /** Every such call from now on takes this long. */
  slow(call: SnapshotCall, delayMs: number): void {
    this.delaysMs.set(call, delayMs);
  }

  /** Snapshots under way, `<snapshot id>/<instance id>`. */
  underWay(): readonly string[] {
    return Object.keys(this.frozen);
  }

  recover(): Promise<void> {
    return Promise.resolve();
  }

  async freeze(snapshotId: string, disks: readonly DiskToFreeze[]): Promise<readonly FrozenDisk[]> {
    await this.wait('freeze');
    const states = new Map((await this.options.driver.inventory()).owned.map(({ instanceId, state }) => [instanceId, state]));
    return disks.map(({ instanceId, spec, bases, ram }): FrozenDisk => {
      const key = keyOf(snapshotId, instanceId);
      const known = this.frozen[key];
      if (known !== undefined) return known;
      try {
        this.failIfDue('freeze');
        const base = spec.disk.manifest;
        if (base === undefined || !bases.includes(base)) throw new DiskStoreError('failed', 'the master does not have its image');
        const state = states.get(instanceId) ?? 'off';
        const how = state === 'saved' ? 'saved' : state === 'off' || state === 'crashed' ? 'off' : 'running';
        if (ram === true && how === 'running') throw new DiskStoreError('failed', 'its RAM was asked for, and it runs');
        const ramBytes = ram === true && how === 'saved' ? { ramBytes: deltaBlockBytes } : {};
        const frozen: FrozenDisk = { instanceId, ok: true, how, quiesced: false, base, sizeBytes: Math.max(spec.disk.sizeBytes, spec.diskMiB * MiB), ...ramBytes };
        this.change({ ...this.frozen, [key]: frozen });
        return frozen;
      } catch (error) {
        return { instanceId, ok: false, message: `The disk of ${spec.name} is not snapshotted: ${(error as Error).message}` };
      }
    });
  }

  async delta(snapshotId: string, instanceId: string, what: SnapshotPart = 'disk'): Promise<DiskDelta> {
    await this.wait('delta');
    this.failIfDue('delta');
    const frozen = this.frozen[keyOf(snapshotId, instanceId)];
    if (frozen?.ok !== true) throw new DiskStoreError('failed', `simulated: no snapshot ${snapshotId} of instance ${instanceId} is known`);
    if (what === 'ram' && frozen.ramBytes === undefined) throw new UnknownSnapshotError(`simulated: no RAM of instance ${instanceId} was kept for snapshot ${snapshotId}`);
    const end = Buffer.alloc(4);
    end.writeUInt32BE(deltaEnd);
    const head = what === 'ram' ? ramHead : { chunkBytes: defaultChunkBytes, sizeBytes: frozen.sizeBytes, base: frozen.base };
    const bytes = Buffer.concat([encodeDeltaHead(head), ...(what === 'ram' ? [ramRecord(instanceId)] : []), end]);
    const path = this.deltaPath(snapshotId, instanceId, what);
    if ((await stat(path).catch(() => null)) === null) await writeFile(path, bytes, { mode: 0o600 });
    return { path, sizeBytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex'), dirtiedBytes: what === 'ram' ? deltaBlockBytes : 0 };
  }

  async end(snapshotId: string, instanceId: string, manifest: string | null): Promise<void> {
    await this.wait('end');
    this.failIfDue('end');
    const key = keyOf(snapshotId, instanceId);
    if (this.frozen[key] === undefined) return;
    this.ended.push({ snapshotId, instanceId, manifest });
    this.change(Object.fromEntries(Object.entries(this.frozen).filter(([each]) => each !== key)));
    for (const what of ['disk', 'ram'] as const) await rm(this.deltaPath(snapshotId, instanceId, what), { force: true });
  }

  private deltaPath(snapshotId: string, instanceId: string, what: SnapshotPart): string {
    return join(this.options.directory, `${snapshotId}.${instanceId}.${what === 'ram' ? 'ram-' : ''}delta`);
  }

  private async wait(call: SnapshotCall): Promise<void> {
    const delayMs = this.delaysMs.get(call) ?? 0;
    if (delayMs > 0) await sleep(this.options.clock, delayMs);
  }

  private failIfDue(call: SnapshotCall): void {
    const at = this.faults.findIndex((each) => each.call === call);
    const [fault] = at < 0 ? [] : this.faults.splice(at, 1);
    if (fault !== undefined) throw new DiskStoreError(fault.code, `simulated: ${call} fails with ${fault.code}`);
  }

  private get stateFile(): string {
    return join(this.options.directory, 'frozen.json');
  }

  private read(): Readonly<Record<string, FrozenDisk>> {
    try {
      return stateSchema.parse(parseJson(readFileSync(this.stateFile, 'utf8')));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {};
      throw new DiskStoreError('failed', `${this.stateFile} does not hold simulated snapshots; delete it to start with none`, { cause: error });
    }
  }

  private change(frozen: Readonly<Record<string, FrozenDisk>>): void {
    this.frozen = frozen;
    writeFileSync(`${this.stateFile}.new`, JSON.stringify(frozen), { mode: 0o600 });
    renameSync(`${this.stateFile}.new`, this.stateFile);
  }
}

const ramHead = { chunkBytes: defaultChunkBytes, sizeBytes: deltaBlockBytes, base: emptyContent };

/** The only block of the only chunk. */
function ramRecord(instanceId: string): Buffer {
  const [sent, zeroed, block] = [Buffer.alloc(maskBytes(ramHead)), Buffer.alloc(maskBytes(ramHead)), Buffer.alloc(deltaBlockBytes)];
  setBlock(sent, 0);
  block.write(`simulated RAM of ${instanceId}`);
  return Buffer.concat([Buffer.alloc(4), sent, zeroed, block]);
}

function keyOf(snapshotId: string, instanceId: string): string {
  return `${snapshotId}/${instanceId}`;
}
