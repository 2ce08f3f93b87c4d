import type { DesiredState } from '@paravcl/shared/domain/instance-state';
import { newId } from '@paravcl/shared/ids';
import type { DesiredInstance, InstanceSpec, ObservedInstance } from '@paravcl/shared/protocol/desired-instance';
import pino from 'pino';
import { HandClock } from '../../test/fixtures/hand-clock';
import { SimulatedDiskStore } from '../hypervisor/simulated/simulated-disk-store';
import { SimulatedDriver } from '../hypervisor/simulated/simulated-driver';
import { noSnapshots } from '../../test/fixtures/no-snapshots';
import { makeExecutors } from './executors';
import type { Journal } from './journal';
import type { JournalRecord } from './journal-record';
import { applyRecord, emptyJournal } from './journal-state';
import { readHost } from './read-host';
import { diskSlotMs, Runner } from './runner';

const slaveId = newId(1);
const [one, two, three] = [newId(2), newId(3), newId(4)];
const image = (n: number) => ({ imageId: newId(n), sha256: String(n).repeat(64), sizeBytes: 1000, format: 'raw' as const });
const specOf = (n: number): InstanceSpec => ({
  name: `i-${n}`, vcpus: 1, ramMiB: 128, diskMiB: 64, disk: image(n), kernel: null, ramdisk: null, kernelArguments: '',
  mac: `00:16:3e:00:00:0${n}`, address: `10.77.0.1${n}`, bandwidthMbps: null, seed: { hostname: `i-${n}`, user: 'student', sshPublicKeys: [] },
});

/** A runner over a simulated host whose calls can hang; one slot of each kind. */
class Rig {
  readonly clock = new HandClock();
  readonly driver = new SimulatedDriver({ slaveId, clock: this.clock, bootMs: 200 });
  readonly store = new SimulatedDiskStore({ clock: this.clock });
  readonly seen = new Map<string, ObservedInstance>();
  private readonly journal = { state: emptyJournal, append: (...records: JournalRecord[]) => this.append(records) };
  readonly runner = new Runner({
    clock: this.clock,
    log: pino({ level: 'silent' }),
    journal: this.journal as unknown as Journal,
    executors: makeExecutors({ driver: this.driver, store: this.store, homes: noSnapshots.homes, journal: this.journal as unknown as Journal, migrations: noSnapshots.migrations, onProgress: () => undefined }),
    readHost: (instanceId, known) => readHost({ driver: this.driver, store: this.store, homes: noSnapshots.homes, hostBootId: 'boot-1', networkReady: () => true, mirror: () => 'well' }, instanceId, known),
    hostTime: () => ({ utcMs: this.clock.now(), uptimeMs: this.clock.monotonicMs(), hostBootId: 'boot-1' }),
    observe: (observed) => this.seen.set(observed.instanceId, observed),
    failed: () => undefined,
    looked: () => undefined,
    diskSlots: 1,
    fetchSlots: 1,
  });

  async open(): Promise<void> {
    await this.store.open();
    await this.driver.open();
    await this.driver.ensureNetwork({ name: 'paravcl', bridge: 'pvcl0', gateway: '10.77.0.1', prefix: 16 });
  }

  async want(instanceId: string, n: number, generation: number, desired: DesiredState): Promise<void> {
    const order: DesiredInstance = desired === 'deleted' ? { instanceId, generation, desired, spec: null } : { instanceId, generation, desired, spec: specOf(n) };
    await this.append([{ kind: 'desired', desired: order }]);
    this.runner.wake(instanceId);
    await this.clock.advance(100);
  }

  stateOf(instanceId: string): string | undefined {
    return this.seen.get(instanceId)?.state;
  }

  private append(records: readonly JournalRecord[]): Promise<void> {
    this.journal.state = records.reduce(applyRecord, this.journal.state);
    return Promise.resolve();
  }
}

let rig: Rig;
beforeEach(async () => {
  rig = new Rig();
  await rig.open();
});
afterEach(() => {
  rig.runner.stop();
  rig.driver.faults.releaseHung();
});

test('a start that hangs keeps no other instance from its image, its files or its deletion', async () => {
  await rig.want(three, 3, 1, 'running');
  await rig.clock.advance(1000);
  expect(rig.stateOf(three)).toBe('running');
  rig.driver.faults.hangNext('start');
  await rig.want(one, 1, 1, 'running');
  await rig.clock.advance(1000);
  await rig.want(two, 2, 1, 'running');
  await rig.want(three, 3, 2, 'deleted');
  await rig.clock.advance(1000);
  expect(rig.stateOf(three)).toBe('deleted');
  expect(await rig.store.instancesOnDisk()).toEqual(expect.arrayContaining([one, two]));
  expect(rig.stateOf(two)).toBe('preparing');
  // Its start waits for the slot, for two minutes at most.
  await rig.clock.advance(diskSlotMs);
  expect(rig.stateOf(two)).toBe('running');
  expect(rig.stateOf(one)).toBe('preparing');
  rig.driver.faults.releaseHung();
  // In small steps, for what is set off by one wait comes before the next.
  for (let passed = 0; passed < 1000; passed += 50) await rig.clock.advance(50);
  expect(rig.stateOf(one)).toBe('running');
});

test('a look at one instance that hangs keeps the others’ work going, and is repeated', async () => {
  rig.driver.faults.hangNext('find');
  await rig.want(one, 1, 1, 'running');
  await rig.want(two, 2, 1, 'running');
  await rig.clock.advance(1000);
  expect(rig.stateOf(two)).toBe('running');
  expect(rig.stateOf(one)).toBeUndefined();
  await rig.clock.advance(70_000);
  expect(rig.stateOf(one)).toBe('running');
});
