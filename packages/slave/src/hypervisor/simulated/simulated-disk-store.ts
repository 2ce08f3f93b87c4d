import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import type { ReadPhase } from '@paravcl/shared/chunks/access-pattern';
import { type Clock, sleep } from '@paravcl/shared/clock';
import { parseJson } from '@paravcl/shared/parse-json';
import { wantedDiskEpoch, type ImageRef, type InstanceSpec } from '@paravcl/shared/protocol/desired-instance';
import { z } from 'zod';
import { type DiskStanding, type DiskStore, DiskStoreError, type DiskStoreErrorCode, imagesOf } from '../../disks/disk-store';
import type { LogEnd } from '../../disks/log-tail';
import type { DomainFiles } from '../driver';

export interface SimulatedDiskStoreOptions {
  readonly clock: Clock;
  /** How long one image takes to fetch, whatever its size. */
  readonly fetchMs?: number;
  readonly totalMiB?: number;
  /** Where the pool's state is kept, so that it outlives the agent; in memory without. */
  readonly stateFile?: string;
}

const poolSchema = z.object({ images: z.record(z.string(), z.number()), instances: z.record(z.string(), z.number()), epochs: z.record(z.string(), z.number()).default({}), ram: z.record(z.string(), z.string()).default({}) });
type Pool = z.infer<typeof poolSchema>;

/** A pool that exists only as a list: the disks of a simulated host. */
export class SimulatedDiskStore implements DiskStore {
  private pool: Pool = { images: {}, instances: {}, epochs: {}, ram: {} };
  private readonly fetching = new Map<string, Promise<void>>();
  private readonly faults: { readonly call: 'fetchImage' | 'createInstanceFiles'; readonly code: DiskStoreErrorCode }[] = [];
  /** What was told of guests, in order. */
  readonly phases = new Map<string, readonly ReadPhase[]>();
  private readonly serialLogs = new Map<string, string>();

  constructor(private readonly options: SimulatedDiskStoreOptions) {}

  open(): Promise<void> {
    if (this.options.stateFile !== undefined) this.pool = readPool(this.options.stateFile) ?? this.pool;
    return Promise.resolve();
  }

  missingImages(instanceId: string, spec: InstanceSpec): Promise<readonly ImageRef[]> {
    const awaitsRam = !(instanceId in this.pool.instances) || instanceId in this.pool.ram;
    const needed = [...imagesOf(spec), ...(spec.ram !== undefined && awaitsRam ? [spec.ram] : [])];
    return Promise.resolve(needed.filter(({ sha256 }) => !(sha256 in this.pool.images)));
  }

  fetchImage(image: ImageRef, onProgress: (percent: number) => void): Promise<void> {
    if (image.sha256 in this.pool.images) return Promise.resolve();
    const running = this.fetching.get(image.sha256) ?? this.fetch(image, onProgress).finally(() => this.fetching.delete(image.sha256));
    this.fetching.set(image.sha256, running);
    return running;
  }

  createInstanceFiles(instanceId: string, spec: InstanceSpec): Promise<DomainFiles> {
    this.failIfDue('createInstanceFiles');
    if (instanceId in this.pool.instances) return this.filesOf(instanceId, spec);
    const { instances, epochs, ram } = this.pool;
    this.change({ ...this.pool, instances: { ...instances, [instanceId]: spec.diskMiB }, epochs: { ...epochs, [instanceId]: wantedDiskEpoch(spec) }, ram: spec.ram === undefined ? ram : { ...ram, [instanceId]: spec.ram.sha256 } });
    return this.filesOf(instanceId, spec);
  }

  filesOf(instanceId: string, spec: InstanceSpec): Promise<DomainFiles> {
    const cached = (image: ImageRef): string => `/simulated/images/${image.sha256}`;
    const own = `/simulated/instances/${instanceId}`;
    return Promise.resolve({
      overlay: `${own}/disk.qcow2`,
      layers: [],
      backing: { kind: 'file', path: cached(spec.disk), format: spec.disk.format },
      seed: `${own}/seed.iso`,
      kernel: spec.kernel === null ? null : cached(spec.kernel),
      ramdisk: spec.ramdisk === null ? null : cached(spec.ramdisk),
      serialLog: `${own}/serial.log`,
      serialSocket: `${own}/serial.sock`,
      vncSocket: `${own}/vnc.sock`,
    });
  }

  instancesOnDisk(): Promise<readonly string[]> {
    return Promise.resolve(Object.keys(this.pool.instances));
  }

  standing(instanceId: string): Promise<DiskStanding> {
    return Promise.resolve({ files: instanceId in this.pool.instances, leftovers: false, awaitsRam: instanceId in this.pool.ram });
  }

  ramFile(instanceId: string, { ram }: InstanceSpec): Promise<string> {
    const awaited = this.pool.ram[instanceId];
    if (awaited === undefined || awaited !== ram?.sha256) return Promise.reject(new DiskStoreError('failed', `simulated: ${instanceId} awaits other RAM than it is ordered to go on with`));
    return Promise.resolve(`/simulated/images/${awaited}`);
  }

  ramArrived(instanceId: string): Promise<void> {
    if (instanceId in this.pool.ram) this.change({ ...this.pool, ram: without(this.pool.ram, instanceId) });
    return Promise.resolve();
  }

  diskEpoch(instanceId: string): Promise<number> {
    return Promise.resolve(this.pool.epochs[instanceId] ?? 1);
  }

  removeInstanceFiles(instanceId: string): Promise<void> {
    const { instances, epochs, ram } = this.pool;
    this.change({ ...this.pool, instances: without(instances, instanceId), epochs: without(epochs, instanceId), ram: without(ram, instanceId) });
    this.serialLogs.delete(instanceId);
    this.phases.delete(instanceId);
    return Promise.resolve();
  }

  tellPhase(instanceId: string, phase: ReadPhase): void {
    this.phases.set(instanceId, [...(this.phases.get(instanceId) ?? []), phase]);
  }

  readSerialLog(instanceId: string, tailBytes: number): Promise<string> {
    return Promise.resolve(Buffer.from(this.serialLogs.get(instanceId) ?? '').subarray(-tailBytes).toString());
  }

  serialLogEnd(instanceId: string, tailBytes: number): Promise<LogEnd> {
    const all = Buffer.from(this.serialLogs.get(instanceId) ?? '');
    return Promise.resolve({ tail: all.subarray(Math.max(0, all.length - tailBytes)), totalBytes: all.length });
  }

  space(): Promise<{ readonly totalMiB: number; readonly availableMiB: number }> {
    const totalMiB = this.options.totalMiB ?? 1024 * 1024;
    const usedMiB = Object.values(this.pool.images).reduce((sum, bytes) => sum + Math.ceil(bytes / 1024 / 1024), 0);
    return Promise.resolve({ totalMiB, availableMiB: Math.max(0, totalMiB - usedMiB) });
  }

  /** The next such call fails so; several are used up in order. */
  failNext(call: 'fetchImage' | 'createInstanceFiles', code: DiskStoreErrorCode): void {
    this.faults.push({ call, code });
  }

  /** What the guest is said to have printed. */
  printToSerialLog(instanceId: string, text: string): void {
    this.serialLogs.set(instanceId, (this.serialLogs.get(instanceId) ?? '') + text);
  }

  private async fetch(image: ImageRef, onProgress: (percent: number) => void): Promise<void> {
    onProgress(0);
    const half = (this.options.fetchMs ?? 0) / 2;
    if (half > 0) await sleep(this.options.clock, half);
    this.failIfDue('fetchImage');
    onProgress(50);
    if (half > 0) await sleep(this.options.clock, half);
    this.change({ ...this.pool, images: { ...this.pool.images, [image.sha256]: image.sizeBytes } });
    onProgress(100);
  }

  private failIfDue(call: 'fetchImage' | 'createInstanceFiles'): void {
    const at = this.faults.findIndex((each) => each.call === call);
    const [fault] = at < 0 ? [] : this.faults.splice(at, 1);
    if (fault !== undefined) throw new DiskStoreError(fault.code, `simulated: ${call} fails with ${fault.code}`);
  }

  private change(pool: Pool): void {
    this.pool = pool;
    const { stateFile } = this.options;
    if (stateFile === undefined) return;
    writeFileSync(`${stateFile}.new`, JSON.stringify(pool), { mode: 0o600 });
    renameSync(`${stateFile}.new`, stateFile);
  }
}

function without<T>(all: Readonly<Record<string, T>>, instanceId: string): Record<string, T> {
  return Object.fromEntries(Object.entries(all).filter(([id]) => id !== instanceId));
}

function readPool(file: string): Pool | null {
  try {
    return poolSchema.parse(parseJson(readFileSync(file, 'utf8')));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw new DiskStoreError('failed', `${file} does not hold a simulated pool; delete it to start with an empty one`, { cause: error });
  }
}
