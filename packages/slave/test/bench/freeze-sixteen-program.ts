import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sleep, systemClock } from '@paravcl/shared/clock';
import { newId } from '@paravcl/shared/ids';
import type { InstanceSpec } from '@paravcl/shared/protocol/desired-instance';
import { measureForBench } from '@paravcl/workbench/bench/multisnapshot/bench-words';
import { freezeWishSchema, type FreezeRuns, type FreezeWish } from '@paravcl/workbench/bench/multisnapshot/freeze-sixteen';
import { clockAheadMs, issuedBetween } from '@paravcl/workbench/bench/multisnapshot/guest-writes';
import { WriteWatch } from '@paravcl/workbench/bench/multisnapshot/write-watch';
import { syncMs } from '@paravcl/workbench/bench/sync-reference';
import { eventually } from '@paravcl/workbench/eventually';
import { readQemuOwner } from '../../src/describe/qemu-account';
import { MirrorClient } from '../../src/disks/mirror-client';
import { PoolDiskSnapshots } from '../../src/disks/pool-disk-snapshots';
import { PoolDiskStore } from '../../src/disks/pool-disk-store';
import { LibvirtDriver } from '../../src/hypervisor/libvirt/libvirt-driver';
import { imageRef } from '../fixtures/demo-guest-images';
import { MirrorOfPool } from '../fixtures/mirror-of-pool';
import { HonestSource, imageOf } from '../fixtures/test-image';

const network = { name: 'pv-freeze', bridge: 'pvfreeze0', gateway: '10.95.0.1', prefix: 16 };
const bootWithinMs = 120_000;
/** So long the busy guest writes undisturbed before each request: what its stalls are compared with. */
const quietMs = 3000;
/** Words of writes that were issued before the answer still come. */
const afterwardsMs = 1000;

interface Guest {
  readonly instanceId: string;
  readonly spec: InstanceSpec;
}

/** The slave's own snapshots over its own libvirt driver, store and mirror, of real guests, for `npm run bench -- multisnapshot`. */
class FrozenTogether {
  private readonly guests: Guest[] = [];

  private constructor(
    private readonly wish: FreezeWish,
    private readonly say: (line: string) => void,
    private readonly refs: Pick<InstanceSpec, 'disk' | 'kernel' | 'ramdisk'>,
    private readonly pool: string,
    private readonly mirror: MirrorOfPool,
    private readonly store: PoolDiskStore,
    private readonly driver: LibvirtDriver,
    private readonly snapshots: PoolDiskSnapshots,
  ) {}

  static async open(wish: FreezeWish, say: (line: string) => void): Promise<FrozenTogether> {
    const pool = join(wish.directory, 'pool');
    const [disk, kernel, ramdisk] = [imageOf(await readFile(wish.files.disk)), imageOf(await readFile(wish.files.kernel)), imageOf(await readFile(wish.files.ramdisk))];
    const refs = { disk: imageRef(disk, 1), kernel: imageRef(kernel, 2), ramdisk: imageRef(ramdisk, 3) };
    const mirror = await MirrorOfPool.start(pool, new HonestSource(disk, kernel, ramdisk));
    const onFault = (error: unknown): void => say(`FAULT: ${String(error)}`);
    const store = new PoolDiskStore({ directory: pool, mirror: new MirrorClient(pool), reserveMiB: 16, qemuOwner: await readQemuOwner(), clock: systemClock, hostBootId: 'boot-1', onFault });
    await store.open();
    const driver = new LibvirtDriver({ type: 'qemu', slaveId: newId(1), clock: systemClock });
    await driver.open();
    await driver.ensureNetwork(network);
    const snapshots = new PoolDiskSnapshots({ directory: pool, reserveMiB: 16, driver, mirror: new MirrorClient(pool), clock: systemClock, onFault });
    return new FrozenTogether(wish, say, refs, pool, mirror, store, driver, snapshots);
  }

  async measure(): Promise<FreezeRuns> {
    const { wish, say } = this;
    // Those that sleep first: the busy one would slow their boots down.
    for (let number = 1; number < wish.guests; number += 1) await this.boot(wish.idle, number);
    const busy = await this.boot(wish.busy, 0);
    say(`${String(wish.guests)} guests are up, one of them writes`);
    const watch = WriteWatch.start(this.console(busy));
    const runs: FreezeRuns['runs'][number][] = [];
    try {
      for (let number = 1; number <= wish.snapshots; number += 1) {
        const run = await this.freeze(watch);
        runs.push(run);
        say(`snapshot ${String(number)}: all ${String(wish.guests)} frozen after ${run.wallMs.toFixed(0)} ms; writes meanwhile ${String(run.duringUs.length)}, before ${String(run.beforeUs.length)}; the longest ${(Math.max(...run.duringUs) / 1000).toFixed(1)} ms, before ${(Math.max(...run.beforeUs) / 1000).toFixed(1)} ms`);
      }
    } finally {
      await watch.stop();
    }
    return { runs, syncMs: await syncMs(this.pool) };
  }

  async close(): Promise<void> {
    for (const { instanceId } of this.guests) {
      await this.driver.destroy(instanceId).catch(() => undefined);
      await this.driver.undefine(instanceId).catch(() => undefined);
    }
    await this.driver.close();
    await this.mirror.stop();
  }

  private async freeze(watch: WriteWatch): Promise<FreezeRuns['runs'][number]> {
    const beganMs = performance.now();
    await sleep(systemClock, quietMs);
    const snapshotId = newId(Date.now());
    const disks = this.guests.map(({ instanceId, spec }) => ({ instanceId, generation: 1, bases: [spec.disk.manifest ?? ''], spec }));
    const requestMs = performance.now();
    const frozen = await this.snapshots.freeze(snapshotId, disks);
    const answerMs = performance.now();
    for (const each of frozen) if (!each.ok) throw new Error(each.message);
    await sleep(systemClock, afterwardsMs);
    const seen = watch.seenSince(beganMs);
    const [earlier, later] = [seen.filter(({ seenAtMs }) => seenAtMs < requestMs), seen.filter(({ seenAtMs }) => seenAtMs > answerMs)];
    const aheadMs = clockAheadMs(earlier);
    const latencies = (fromMs: number, toMs: number): readonly number[] => issuedBetween(seen, fromMs, toMs, aheadMs).map(({ latencyUs }) => latencyUs);
    const run = { wallMs: answerMs - requestMs, duringUs: latencies(requestMs, answerMs), beforeUs: latencies(beganMs, requestMs), clockLostMs: clockAheadMs(later) - aheadMs };
    // Taken back: the layers are merged again before the next.
    for (const { instanceId } of this.guests) await this.snapshots.end(snapshotId, instanceId, null);
    return run;
  }

  private async boot(kernelArguments: string, number: number): Promise<Guest> {
    const name = `i-freeze-${String(number)}`;
    const digits = number.toString(16).padStart(2, '0');
    const spec: InstanceSpec = { name, vcpus: 1, ramMiB: 96, diskMiB: 64, ...this.refs, kernelArguments, mac: `00:16:3e:00:0b:${digits}`, address: `10.95.0.${String(20 + number)}`, bandwidthMbps: null, seed: { hostname: name, user: '', sshPublicKeys: [] } };
    const guest = { instanceId: newId(Date.now()), spec };
    const { instanceId } = guest;
    for (const needed of await this.store.missingImages(instanceId, spec)) await this.store.fetchImage(needed, () => undefined);
    await this.store.createInstanceFiles(instanceId, spec);
    this.guests.push(guest);
    await this.driver.define({ instanceId, generation: 1, name, vcpus: spec.vcpus, ramMiB: spec.ramMiB, mac: spec.mac, bandwidthMbps: null, kernelArguments, files: await this.store.filesOf(instanceId, spec) });
    await this.driver.start(instanceId);
    await eventually(`${name} to be up`, bootWithinMs, async () => (/^up\r?$/m.test(await readFile(this.console(guest), 'latin1').catch(() => '')) ? true : undefined));
    this.say(`${name} is up`);
    return guest;
  }

  private console({ instanceId }: Guest): string {
    return join(this.pool, 'instances', instanceId, 'serial.log');
  }
}

void measureForBench(async (wish, say) => {
  if (process.env['PARAVCL_PRIVATE_HOST'] !== '1') throw new Error('This makes domains and networks: run it inside a private host (npm run bench does).');
  const frozen = await FrozenTogether.open(freezeWishSchema.parse(wish), say);
  try {
    return await frozen.measure();
  } finally {
    await frozen.close();
  }
});
