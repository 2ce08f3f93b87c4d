import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { newId } from '@paravcl/shared/ids';
import type { DesiredInstance, InstanceSpec } from '@paravcl/shared/protocol/desired-instance';
import type { Welcome } from '@paravcl/shared/protocol/master-to-agent';
import pino from 'pino';
import { HandClock, turn } from '../../test/fixtures/hand-clock';
import { noSnapshots } from '../../test/fixtures/no-snapshots';
import { SimulatedDiskStore } from '../hypervisor/simulated/simulated-disk-store';
import { SimulatedDriver } from '../hypervisor/simulated/simulated-driver';
import { Agent, type AgentParts } from './agent';
import type { Journal } from './journal';
import type { JournalRecord } from './journal-record';
import { applyRecord, emptyJournal } from './journal-state';

const slaveId = newId(1);
const instanceId = newId(2);
const spec: InstanceSpec = {
  name: 'i-a', vcpus: 1, ramMiB: 128, diskMiB: 64, disk: { imageId: newId(1), sha256: 'a'.repeat(64), sizeBytes: 1, format: 'raw' }, kernel: null, ramdisk: null, kernelArguments: '',
  mac: '00:16:3e:00:00:01', address: '10.77.0.10', bandwidthMbps: null, seed: { hostname: 'i-a', user: 'student', sshPublicKeys: [] },
};

/** An agent without a link, over a simulated host whose time the test moves. */
class Rig {
  readonly clock = new HandClock();
  readonly driver = new SimulatedDriver({ slaveId, clock: this.clock, bootMs: 200 });
  readonly store = new SimulatedDiskStore({ clock: this.clock, fetchMs: 500 });
  readonly said: string[] = [];
  sleptMs = 0;
  private link: Parameters<AgentParts['connect']>[0] | null = null;
  private agent: Agent | null = null;
  /** In memory: a real disk would take time that this clock does not know of. */
  private readonly journal = {
    state: emptyJournal,
    isShort: false,
    watchRoom: () => undefined,
    append: (...records: JournalRecord[]) => {
      this.journal.state = records.reduce(applyRecord, this.journal.state);
      return Promise.resolve();
    },
  };

  constructor(private readonly directory: string) {}

  async start(): Promise<void> {
    const log = pino({ level: 'info' }, { write: (line: string) => void this.said.push(line) });
    this.agent = await Agent.start({
      clock: { now: () => this.clock.now() + this.sleptMs, monotonicMs: () => this.clock.monotonicMs(), after: (ms, run) => this.clock.after(ms, run) },
      uptimeMs: () => this.clock.monotonicMs() + this.sleptMs,
      log,
      journal: this.journal as unknown as Journal,
      driver: this.driver,
      store: this.store,
      ...noSnapshots,
      build: 'test',
      machineId: '0'.repeat(32),
      hostBootId: 'boot-1',
      lastReportPath: join(this.directory, 'last-report.json'),
      diskSlots: 2,
      ready: () => undefined,
      describe: () => Promise.reject(new Error('not asked here')),
      load: () => Promise.reject(new Error('not asked here')),
      connect: (given) => {
        this.link = given;
        return { isUp: false, clockOffsetMs: null, send: () => false, start: () => undefined, stop: () => undefined };
      },
    });
    await this.pass(100);
  }

  async stop(): Promise<void> {
    await this.agent?.stop();
  }

  welcome(): void {
    this.link?.onWelcome({ network: { name: 'paravcl', bridge: 'pvcl0', gateway: '10.77.0.1', prefix: 16 }, admission: 'approved' } as Welcome);
  }

  order(generation: number, endsInMs: number | null = null): void {
    const end = endsInMs === null ? {} : { endsAt: new Date(this.clock.now() + this.sleptMs + endsInMs).toISOString() };
    const one: DesiredInstance = { instanceId, generation, desired: 'running', spec, ...end };
    this.link?.onFrame({ type: 'desired', payload: { instances: [one] } });
  }

  /** Time passes in small steps, for what is set off by one wait comes before the next. */
  async pass(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += 100) {
      await this.clock.advance(Math.min(100, ms - passed));
      for (let turns = 0; turns < 5; turns += 1) await turn();
    }
  }

  /** How long until it holds, in the agent's time. */
  async untilMs(holds: () => boolean): Promise<number> {
    const began = this.clock.monotonicMs();
    while (!holds()) {
      if (this.clock.monotonicMs() - began > 120_000) throw new Error(`never: ${JSON.stringify(this.agent?.seen())}`);
      await this.pass(100);
    }
    return this.clock.monotonicMs() - began;
  }

  get state(): string | undefined {
    return this.agent?.seen()[0]?.state;
  }
}

let directory: string;
let rig: Rig;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'recovery-'));
  rig = new Rig(directory);
  await rig.start();
});
afterEach(async () => {
  await rig.stop();
  await rm(directory, { recursive: true });
});

test('a launch that met a dead hypervisor goes on within three seconds of its return, however long that took', async () => {
  rig.welcome();
  await rig.pass(100);
  const away = new Set<string>();
  // Every call fails, as with no daemon behind the socket.
  const { faults } = rig.driver;
  const pass = faults.pass.bind(faults);
  jest.spyOn(faults, 'pass').mockImplementation(async (call) => {
    if (away.size > 0) faults.failNext(call, 'unavailable');
    await pass(call);
  });
  rig.order(1);
  await rig.untilMs(() => rig.state === 'preparing');
  away.add('libvirtd');
  await rig.pass(47_000);
  expect(rig.state).toBe('preparing');
  away.clear();
  expect(await rig.untilMs(() => rig.state === 'running')).toBeLessThanOrEqual(3000);
});

test('what could not be fetched is fetched at once when the master is there again', async () => {
  rig.welcome();
  for (let times = 0; times < 6; times += 1) rig.store.failNext('fetchImage', 'fetch-failed');
  rig.order(1);
  await rig.pass(20_000);
  expect(rig.state).toBe('preparing');
  rig.welcome();
  expect(await rig.untilMs(() => rig.state === 'running')).toBeLessThanOrEqual(2000);
});

test('an agent alone saves what ran out of time while the host slept, and counts that it did', async () => {
  rig.welcome();
  rig.order(1, 3600_000);
  await rig.untilMs(() => rig.state === 'running');
  rig.sleptMs = 2 * 3600_000;
  expect(await rig.untilMs(() => rig.state === 'suspended')).toBeLessThanOrEqual(1500);
  expect(rig.driver.host.domain(instanceId)?.state).toBe('saved');
  expect(rig.said.filter((line) => line.includes('"recovery":"time-ended-alone"'))).toHaveLength(1);
  rig.order(2, 3600_000);
  await rig.untilMs(() => rig.state === 'running');
});
