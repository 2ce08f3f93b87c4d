import { generateKeyPairSync, sign } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, open, rm, type FileHandle } from 'node:fs/promises';
import { createServer, type Server } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DesiredState } from '@paravcl/shared/domain/instance-state';
import { sleep, systemClock, type Clock } from '@paravcl/shared/clock';
import type { Describe } from '@paravcl/shared/domain/slave';
import { newId } from '@paravcl/shared/ids';
import type { AgentFrame, Hello } from '@paravcl/shared/protocol/agent-to-master';
import type { DesiredInstance, InstanceSpec, ObservedInstance } from '@paravcl/shared/protocol/desired-instance';
import { decodeAgentFrame, encodeFrame } from '@paravcl/shared/protocol/envelope';
import type { MasterFrame } from '@paravcl/shared/protocol/master-to-agent';
import { oldestProtocolVersion, protocolVersion } from '@paravcl/shared/protocol/version';
import pino from 'pino';
import { WebSocketServer, type WebSocket } from 'ws';
import { SimulatedDiskStore } from '../hypervisor/simulated/simulated-disk-store';
import { SimulatedDriver } from '../hypervisor/simulated/simulated-driver';
import { MasterLink } from '../link/master-link';
import type { PublicNetwork } from '../public/public-network';
import { testCertificate } from '../../test/fixtures/certificate';
import { FullDisk } from '../../test/fixtures/full-disk';
import { noSnapshots } from '../../test/fixtures/no-snapshots';
import { Agent } from './agent';
import { Journal } from './journal';

// Some tests restart an agent forty times with a journal that is really synced: seconds on a busy machine.
jest.setTimeout(30_000);

const clock = systemClock;
const log = pino({ level: process.env['TEST_LOG'] ?? 'silent' });
const siteId = newId(1);
const slaveId = newId(2);
const image = (n: number) => ({ imageId: newId(n), sha256: String(n).repeat(64), sizeBytes: 1000, format: 'raw' as const });
const specOf = (n: number): InstanceSpec => ({
  name: `i-ubuntu-${n}`,
  vcpus: 1,
  ramMiB: 128,
  diskMiB: 64,
  disk: image(1),
  kernel: image(2),
  ramdisk: null,
  kernelArguments: '',
  mac: `00:16:3e:00:00:0${n}`,
  address: `10.77.0.1${n}`,
  bandwidthMbps: null,
  seed: { hostname: `i-ubuntu-${n}`, user: 'student', sshPublicKeys: [] },
});
const want = (n: number, generation: number, desired: DesiredState): DesiredInstance =>
  desired === 'deleted' ? { instanceId: instanceIds[n] ?? '', generation, desired, spec: null } : { instanceId: instanceIds[n] ?? '', generation, desired, spec: specOf(n) };
const instanceIds = Array.from({ length: 5 }, (_, n) => newId(1_700_000_000_000 + n));
const describeData: Describe = {
  hostname: 'lab-pc-07',
  cores: 4,
  threads: 8,
  relativeSpeed: 1,
  cpuModel: 'model',
  cpuFlags: [],
  ramTotalMiB: 8192,
  ramAvailableMiB: 4096,
  poolTotalMiB: 100_000,
  poolAvailableMiB: 50_000,
  hypervisor: { kind: 'simulated', why: 'test', usable: true, libvirt: null, qemu: null, machine: null, cpu: null },
  interfaces: [{ name: 'eth0', mac: '52:54:00:00:00:01', physical: true, addresses: [], linkSpeedMbps: null }],
  load1: 0,
  clockOffsetMs: null,
};

/** A master that only speaks the protocol; every frame of the agent is kept. */
class FakeMaster {
  readonly frames: AgentFrame[] = [];
  readonly hellos: Hello[] = [];
  /** Newest observation of each instance. */
  readonly observed = new Map<string, ObservedInstance>();
  /** What was named when the agent said that this was all; null before, on each connection. */
  named: readonly string[] | null = null;
  /** Sent after each welcome, as a master sends its full desired set. */
  desired: DesiredInstance[] = [];
  refuse: Extract<MasterFrame, { type: 'refused' }>['payload'] | null = null;
  private socket: WebSocket | null = null;
  private sockets: WebSocketServer | null = null;
  private server: Server | null = null;
  port = 0;

  async listen(): Promise<void> {
    const { key, cert } = testCertificate();
    const server = createServer({ key, cert });
    const sockets = new WebSocketServer({ server });
    sockets.on('connection', (socket) => this.greet(socket));
    server.listen(this.port, '127.0.0.1');
    await once(server, 'listening');
    this.port = (server.address() as { port: number }).port;
    this.server = server;
    this.sockets = sockets;
  }

  async close(): Promise<void> {
    for (const socket of this.sockets?.clients ?? []) socket.terminate();
    this.sockets?.close();
    this.server?.close();
    if (this.server?.listening) await once(this.server, 'close');
  }

  send(frame: MasterFrame): void {
    this.socket?.send(encodeFrame(protocolVersion, newId(Date.now()), frame));
  }

  push(...instances: DesiredInstance[]): void {
    this.send({ type: 'desired', payload: { instances } });
  }

  private greet(socket: WebSocket): void {
    const say = (frame: MasterFrame): void => socket.send(encodeFrame(protocolVersion, newId(Date.now()), frame));
    socket.on('error', () => undefined);
    socket.on('message', (data) => {
      const frame = decodeAgentFrame(String(data));
      this.frames.push(frame);
      if (frame.type === 'observed') for (const one of frame.payload.instances) this.observed.set(one.instanceId, one);
      if (frame.type === 'observed' && frame.payload.inventoryComplete === true) this.named = [...this.observed.keys()];
      if (frame.type !== 'hello') return;
      this.hellos.push(frame.payload);
      for (const one of frame.payload.inventory) this.observed.set(one.instanceId, one);
      this.named = frame.payload.inventoryComplete ? [...this.observed.keys()] : null;
      if (this.refuse !== null) return say({ type: 'refused', payload: this.refuse });
      this.socket = socket;
      say({
        type: 'welcome',
        payload: {
          sessionId: newId(Date.now()),
          admission: 'approved',
          heartbeatMs: 200,
          masterTime: new Date().toISOString(),
          network: { name: 'paravcl', bridge: 'pvcl0', gateway: '10.77.0.1', prefix: 16 },
          contentToken: 'x'.repeat(40),
        },
      });
      if (this.desired.length > 0) this.push(...this.desired);
      const beat = setInterval(() => say({ type: 'heartbeat', payload: { masterTime: new Date().toISOString() } }), 200);
      socket.on('close', () => clearInterval(beat));
    });
    say({ type: 'challenge', payload: { siteId, nonce: 'n'.repeat(43), protocol: { newest: protocolVersion, oldest: oldestProtocolVersion } } });
  }
}

const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const key = { publicKey: publicKey.export({ type: 'spki', format: 'der' }).toString('base64url'), sign: (bytes: Buffer) => sign(null, bytes, privateKey).toString('base64url') };

let directory: string;
let master: FakeMaster;
let driver: SimulatedDriver;
let store: SimulatedDiskStore;
let journal: Journal;
let agent: Agent;
let describeHost: () => Promise<Describe>;
let pool: { directory: string; reserveMiB: number } | null = null;
let publicNetwork: PublicNetwork | null = null;
/** Whether the mirror answers; null on a host without one. */
let mirrorAnswers: boolean | null = null;

/** A new agent over the same journal and the same host, as after a crash: only files and guests are left. */
async function startAgent(): Promise<void> {
  journal = await Journal.open(join(directory, 'journal'), log);
  driver = new SimulatedDriver({ slaveId, clock, bootMs: 20, shutdownMs: 20, stateFile: join(directory, 'host.json') });
  store = new SimulatedDiskStore({ clock, fetchMs: 10, stateFile: join(directory, 'pool.json') });
  await dial();
}

async function dial(agentClock: Clock = clock): Promise<void> {
  agent = await Agent.start({
    clock: agentClock,
    log,
    journal,
    driver,
    store,
    ...noSnapshots,
    build: 'test',
    machineId: '0'.repeat(32),
    uptimeMs: () => performance.now(),
    hostBootId: 'boot-1',
    lastReportPath: join(directory, 'last-report.json'),
    diskSlots: 2,
    mirror: mirrorAnswers === null ? null : { status: () => (mirrorAnswers === true ? Promise.resolve('well') : Promise.reject(new Error('The mirror of this host does not answer (ENOENT).'))) },
    pool,
    publicNetwork,
    ready: () => undefined,
    describe: () => describeHost(),
    load: () => Promise.resolve({ load1: 0, ramAvailableMiB: 1, poolAvailableMiB: 1 }),
    connect: (handlers) =>
      new MasterLink({ clock, log, random: () => 0.1, masterUrl: `https://127.0.0.1:${master.port}`, ca: [testCertificate().cert], slaveId, siteId, key, ...handlers }),
  });
}

/** Ends the agent without letting anything finish. */
async function crash(): Promise<void> {
  await agent.stop();
  await journal.close();
}

async function until(what: string, holds: () => boolean): Promise<void> {
  const end = Date.now() + 15_000;
  while (!holds()) {
    if (Date.now() > end) throw new Error(`never: ${what}; last seen ${JSON.stringify([...master.observed.values()])}`);
    await sleep(clock, 5);
  }
}

const stateOf = (n: number): string | undefined => master.observed.get(instanceIds[n] ?? '')?.state;
const domainOf = (n: number): string | undefined => driver.host.domain(instanceIds[n] ?? '')?.state;
const reaches = (n: number, generation: number, state: string): Promise<void> =>
  until(`${n} is ${state} in generation ${generation}`, () => {
    const seen = master.observed.get(instanceIds[n] ?? '');
    return seen?.state === state && seen.generation === generation;
  });
/** Puts an order where a master keeps it, and sends it when somebody is connected. */
const order = (...instances: DesiredInstance[]): void => {
  const named = new Set(instances.map((one) => one.instanceId));
  master.desired = [...master.desired.filter((one) => !named.has(one.instanceId)), ...instances];
  master.push(...instances);
};

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'agent-'));
  describeHost = () => Promise.resolve(describeData);
  master = new FakeMaster();
  await master.listen();
  await startAgent();
  await until('connected', () => agent.isConnected);
});
afterEach(async () => {
  await crash();
  await master.close();
  await rm(directory, { recursive: true });
});

test('one instance through its whole life: launched, suspended, resumed, stopped, started, deleted, forgotten', async () => {
  order(want(0, 1, 'running'));
  await reaches(0, 1, 'running');
  expect(driver.host.current.reservations).toEqual([{ mac: specOf(0).mac, address: specOf(0).address, name: specOf(0).name }]);
  order(want(0, 2, 'suspended'));
  await reaches(0, 2, 'suspended');
  expect(domainOf(0)).toBe('saved');
  order(want(0, 3, 'running'));
  await reaches(0, 3, 'running');
  expect(driver.host.domain(instanceIds[0] ?? '')?.boots).toBe(1);
  order(want(0, 4, 'stopped'));
  await reaches(0, 4, 'stopped');
  expect(domainOf(0)).toBe('off');
  order(want(0, 5, 'running'));
  await reaches(0, 5, 'running');
  order(want(0, 6, 'deleted'));
  await reaches(0, 6, 'deleted');
  expect(driver.host.current.domains).toEqual([]);
  expect(driver.host.current.reservations).toEqual([]);
  expect(await store.instancesOnDisk()).toEqual([]);
  expect(agent.seen()).toHaveLength(1);
  master.send({ type: 'forget', payload: { instances: [{ instanceId: instanceIds[0] ?? '', generation: 6 }] } });
  await until('forgotten', () => agent.seen().length === 0 && journal.state.instances.size === 0);
});

test('an order for a higher epoch of the disk begins the instance anew, also under a generation that an agent of an earlier release had written down without it', async () => {
  order(want(0, 1, 'running'));
  await reaches(0, 1, 'running');
  const id = instanceIds[0] ?? '';
  const anew = want(0, 1, 'running');
  if (anew.spec === null) throw new Error('no spec');
  order({ ...anew, spec: { ...anew.spec, diskEpoch: 2 } });
  await until('begun anew', () => agent.seen()[0]?.state === 'running' && agent.seen()[0]?.diskEpoch === 2);
  expect(await store.diskEpoch(id)).toBe(2);
  expect(driver.host.domain(id)?.boots).toBe(1);
  expect(driver.host.current.reservations).toEqual([{ mac: specOf(0).mac, address: specOf(0).address, name: specOf(0).name }]);
  // The same again, and one without it, change nothing any more.
  const toldBefore = master.frames.filter(({ type }) => type === 'observed').length;
  order({ ...anew, spec: { ...anew.spec, diskEpoch: 2 } }, anew);
  await until('answered', () => master.frames.filter(({ type }) => type === 'observed').length > toldBefore);
  await agent.settled();
  expect(await store.diskEpoch(id)).toBe(2);
  expect(driver.host.domain(id)?.boots).toBe(1);
});

test('states on the way are told, and heartbeats go on', async () => {
  order(want(0, 1, 'running'));
  await reaches(0, 1, 'running');
  const told = master.frames.flatMap((frame) => (frame.type === 'observed' ? frame.payload.instances.map(({ state }) => state) : []));
  expect([...new Set(told)]).toEqual(['preparing', 'booting', 'running']);
  const beats = (): number => master.frames.filter(({ type }) => type === 'heartbeat').length;
  const before = beats();
  await until('two more heartbeats', () => beats() >= before + 2);
});

describe.each([
  { what: 'launch', before: [], verb: 'running', calls: ['define', 'start', 'reserveAddress', 'leasedMacs'] },
  { what: 'suspend', before: ['running'], verb: 'suspended', calls: ['save'] },
  { what: 'resume', before: ['running', 'suspended'], verb: 'running', calls: ['start'] },
  { what: 'stop', before: ['running'], verb: 'stopped', calls: ['shutdown'] },
  { what: 'delete', before: ['running'], verb: 'deleted', calls: ['destroy', 'undefine', 'releaseAddress'] },
] as const)('an agent that dies in the middle of a $what', ({ before, verb, calls }) => {
  const places = calls.flatMap((call) => (['before', 'after'] as const).map((when) => ({ when, call })));
  test.each([{ when: 'before', call: 'find' }, ...places] as const)('$when its $call, and starts again, brings it to its end', async ({ when, call }) => {
    let generation = 0;
    for (const state of before) {
      order(want(0, ++generation, state));
      await reaches(0, generation, state);
    }
    await agent.settled();
    let died = false;
    const act = driver[call].bind(driver) as (...args: unknown[]) => Promise<never>;
    // The call that never comes back to this agent: not made yet, or made with nobody left to hear of it.
    jest.spyOn(driver, call).mockImplementation(async (...args: unknown[]) => {
      if (when === 'after') await act(...args);
      died = true;
      return new Promise<never>(() => undefined);
    });
    order(want(0, 9, verb));
    await until('it dies', () => died);
    await crash();
    order(want(1, 1, 'running'));
    await startAgent();
    await reaches(0, 9, verb);
    await reaches(1, 1, 'running');
    const boots = driver.host.domain(instanceIds[0] ?? '')?.boots ?? 1;
    expect(boots).toBe(1);
  });
});

describe('an instance that is to go on with RAM from the store', () => {
  const withRam = (generation: number, desired: 'running' | 'suspended' | 'stopped'): DesiredInstance => ({ instanceId: instanceIds[0] ?? '', generation, desired, spec: { ...specOf(0), diskEpoch: 2, ram: image(3) } });
  const boots = (): number | undefined => driver.host.domain(instanceIds[0] ?? '')?.boots;

  test('is suspended until it is wanted, brings it, and goes on; stopped, it boots from then on', async () => {
    order(withRam(1, 'suspended'));
    await reaches(0, 1, 'suspended');
    expect(domainOf(0)).toBeUndefined();
    order(withRam(2, 'running'));
    await reaches(0, 2, 'running');
    expect(boots()).toBe(1000);
    expect(store.phases.get(instanceIds[0] ?? '')).toEqual(['application']);
    const told = master.frames.flatMap((frame) => (frame.type === 'observed' ? frame.payload.instances.map(({ state }) => state) : []));
    expect([...new Set(told)]).toEqual(['suspended', 'preparing', 'resuming', 'running']);
    order(withRam(3, 'stopped'));
    await reaches(0, 3, 'stopped');
    order(withRam(4, 'running'));
    await reaches(0, 4, 'running');
    expect(boots()).toBe(1001);
  });

  test('fails where its RAM is of no use, with nothing booted, and is suspended again by the next order', async () => {
    driver.faults.failNext('adoptRam', 'save-unusable', 'it is of another CPU');
    order(withRam(1, 'running'));
    await reaches(0, 1, 'failed');
    expect(master.observed.get(instanceIds[0] ?? '')?.reason).toMatchObject({ code: 'LaunchFailed', sentence: expect.stringContaining('it is of another CPU') as string });
    expect(await store.instancesOnDisk()).toEqual([]);
    order(withRam(2, 'suspended'));
    await reaches(0, 2, 'suspended');
    order(withRam(3, 'running'));
    await reaches(0, 3, 'running');
    expect(boots()).toBe(1000);
  });

  const places = (['adoptRam', 'ramArrived', 'start'] as const).flatMap((call) => (['before', 'after'] as const).map((when) => ({ when, call })));
  test.each(places)('has it, once, though its agent dies $when its $call', async ({ when, call }) => {
    let died = false;
    const target = call === 'ramArrived' ? store : driver;
    const act = (target as unknown as Record<string, (...args: unknown[]) => Promise<never>>)[call]?.bind(target);
    jest.spyOn(target as SimulatedDriver, call as 'start').mockImplementation(async (...args: unknown[]) => {
      if (when === 'after') await act?.(...args);
      died = true;
      return new Promise<never>(() => undefined);
    });
    order(withRam(1, 'running'));
    await until('it dies', () => died);
    await crash();
    await startAgent();
    await reaches(0, 1, 'running');
    expect(boots()).toBe(1000);
    expect(await store.standing(instanceIds[0] ?? '')).toMatchObject({ awaitsRam: false });
  });
});

test('duplicated, reordered and stale orders change nothing', async () => {
  order(want(0, 1, 'running'), want(0, 1, 'running'));
  await reaches(0, 1, 'running');
  order(want(0, 3, 'suspended'));
  master.push(want(0, 2, 'stopped'), want(0, 1, 'running'));
  await reaches(0, 3, 'suspended');
  master.push(want(0, 2, 'deleted'));
  master.push(want(0, 3, 'deleted'));
  master.observed.clear();
  master.push(want(0, 3, 'suspended'));
  await until('answered again', () => stateOf(0) === 'suspended');
  expect(domainOf(0)).toBe('saved');
  expect(journal.state.instances.get(instanceIds[0] ?? '')?.desired).toMatchObject({ generation: 3, desired: 'suspended' });
});

test('a wall clock that jumps takes no time from an instance that is suspended and resumed with the same end', async () => {
  await crash();
  let jumpedMs = 0;
  journal = await Journal.open(join(directory, 'journal'), log);
  await dial({ ...clock, now: () => clock.now() + jumpedMs });
  await until('connected', () => agent.isConnected);
  const until40 = { endsAt: new Date(clock.now() + 40 * 60_000).toISOString() };
  order({ ...want(0, 1, 'running'), ...until40 } as DesiredInstance);
  await reaches(0, 1, 'running');
  jumpedMs = 60 * 60_000;
  order(want(0, 2, 'suspended'));
  await reaches(0, 2, 'suspended');
  order({ ...want(0, 3, 'running'), ...until40 } as DesiredInstance);
  await reaches(0, 3, 'running');
  await agent.settled();
  expect(journal.state.instances.get(instanceIds[0] ?? '')?.marks.timeEnded).toBeNull();
  expect(domainOf(0)).toBe('running');
});

test('while the master is away guests go on, what was ordered is done, and the next hello tells it', async () => {
  order(want(0, 1, 'running'), want(1, 1, 'running'));
  await reaches(0, 1, 'running');
  await reaches(1, 1, 'running');
  await master.close();
  await until('down', () => !agent.isConnected);
  driver.guestPowersOff(instanceIds[1] ?? '');
  await until('seen', () => agent.seen().some((one) => one.reason?.code === 'StoppedByGuest'));
  master.observed.clear();
  master.desired = [];
  await master.listen();
  await until('back', () => master.hellos.length === 2);
  expect(stateOf(0)).toBe('running');
  expect(master.observed.get(instanceIds[1] ?? '')).toMatchObject({ state: 'stopped', reason: { code: 'StoppedByGuest' } });
  // The master named nothing: nothing is deleted.
  await until('connected', () => agent.isConnected);
  expect(domainOf(0)).toBe('running');
});

test('an agent started without its master brings the host to what it knew', async () => {
  order(want(0, 1, 'running'));
  await reaches(0, 1, 'running');
  await crash();
  await master.close();
  await startAgent();
  await until('looked', () => agent.seen().some((one) => one.state === 'running'));
  expect(agent.isConnected).toBe(false);
  expect(domainOf(0)).toBe('running');
});

test('a launch that fails for good is cleaned and tells why; its neighbour is not touched', async () => {
  order(want(1, 1, 'running'));
  await reaches(1, 1, 'running');
  for (let n = 0; n < 3; n += 1) driver.faults.failNext('start', 'failed', 'no such machine type');
  order(want(0, 1, 'running'));
  await reaches(0, 1, 'failed');
  expect(master.observed.get(instanceIds[0] ?? '')?.reason).toMatchObject({ code: 'LaunchFailed', sentence: expect.stringContaining('no such machine type') as string });
  expect(driver.host.current.domains.map((one) => one.name)).toEqual(['i-ubuntu-1']);
  expect(driver.host.current.reservations.map((one) => one.name)).toEqual(['i-ubuntu-1']);
  expect(await store.instancesOnDisk()).toEqual([instanceIds[1]]);
  await crash();
  await startAgent();
  await until('still failed', () => agent.seen().some((one) => one.state === 'failed'));
  expect(driver.host.current.domains).toHaveLength(1);
});

test('a hung step keeps neither other instances nor heartbeats from going on', async () => {
  driver.faults.hangNext('start');
  order(want(0, 1, 'running'));
  await until('hangs', () => domainOf(0) === 'off');
  order(want(1, 1, 'running'));
  await reaches(1, 1, 'running');
  const beats = master.frames.filter(({ type }) => type === 'heartbeat').length;
  await until('heartbeats', () => master.frames.filter(({ type }) => type === 'heartbeat').length > beats + 1);
  driver.faults.releaseHung();
  await reaches(0, 1, 'running');
});

test('a deletion does not wait for the fetch of its image', async () => {
  await crash();
  journal = await Journal.open(join(directory, 'journal'), log);
  store = new SimulatedDiskStore({ clock, fetchMs: 3600_000 });
  await dial();
  order(want(0, 1, 'running'));
  await until('fetching', () => master.observed.get(instanceIds[0] ?? '')?.progressPercent === 0);
  order(want(0, 2, 'deleted'));
  await reaches(0, 2, 'deleted');
});

test('a command that only reads is answered each time it comes, and nothing of it is written down', async () => {
  order(want(0, 1, 'running'));
  await reaches(0, 1, 'running');
  store.printToSerialLog(instanceIds[0] ?? '', 'ready\n');
  const commandId = newId(Date.now());
  const command: MasterFrame = { type: 'command', payload: { commandId, generation: 1, deadlineMs: 5000, command: { kind: 'serial-log', instanceId: instanceIds[0] ?? '', tailBytes: 100 } } };
  const results = (): string[] => master.frames.flatMap((frame) => (frame.type === 'result' && frame.payload.commandId === commandId ? [JSON.stringify(frame.payload.outcome)] : []));
  master.send(command);
  await until('answered', () => results().length === 1);
  store.printToSerialLog(instanceIds[0] ?? '', 'later\n');
  master.send(command);
  await until('answered again', () => results().length === 2);
  expect(results()).toEqual(['{"ok":true,"body":"ready\\n"}', '{"ok":true,"body":"ready\\nlater\\n"}']);
  expect(journal.state.results.size).toBe(0);
});

test('descriptions that overlap leave the newest with the master, however long the older one took', async () => {
  const finish: (() => void)[] = [];
  let asked = 0;
  describeHost = () => {
    const hostname = `asked-${(asked += 1)}`;
    return new Promise((resolve) => finish.push(() => resolve({ ...describeData, hostname })));
  };
  const command = (commandId: string): void => master.send({ type: 'command', payload: { commandId, command: { kind: 'describe' }, generation: null, deadlineMs: 5000 } });
  const answered = (commandId: string): boolean => master.frames.some((frame) => frame.type === 'result' && frame.payload.commandId === commandId);
  const ids = [newId(Date.now()), newId(Date.now() + 1)];
  for (const each of ids) command(each);
  await until('the first is asked', () => finish.length > 0);
  // Whatever is under way at the same time, the one begun last ends first.
  for (let round = 0; !ids.every(answered); round += 1) {
    await sleep(clock, 20);
    finish.pop()?.();
    if (round > 500) throw new Error('never answered');
  }
  const hostnames = master.frames.flatMap((frame) => (frame.type === 'describe' && frame.payload.changed.hostname !== undefined ? [frame.payload.changed.hostname] : []));
  expect(hostnames.at(-1)).toBe(`asked-${asked}`);
});

test('a description that failed is answered as failed, and told when it works again', async () => {
  const outcomes = (): unknown[] => master.frames.flatMap((frame) => (frame.type === 'result' ? [frame.payload.outcome] : []));
  const ask = (): void => master.send({ type: 'command', payload: { commandId: newId(Date.now()), generation: null, deadlineMs: 5000, command: { kind: 'describe' } } });
  describeHost = () => Promise.reject(new Error('/proc is not there'));
  ask();
  await until('answered', () => outcomes().length === 1);
  expect(outcomes()).toEqual([{ ok: false, code: 'failed', message: '/proc is not there' }]);
  describeHost = () => Promise.resolve({ ...describeData, load1: describeData.load1 + 7, ramTotalMiB: 9000 });
  ask();
  await until('answered again', () => outcomes().length === 2);
  expect(outcomes()[1]).toEqual({ ok: true, body: null });
  expect(master.frames.find(({ type }) => type === 'describe')).toMatchObject({ payload: { changed: { ramTotalMiB: 9000 } } });
});

test('a command about an older generation, or an unknown instance, is refused', async () => {
  order(want(0, 2, 'running'));
  await reaches(0, 2, 'running');
  const ask = (instanceId: string, generation: number): void =>
    master.send({ type: 'command', payload: { commandId: newId(Date.now()), generation, deadlineMs: 5000, command: { kind: 'screenshot', instanceId } } });
  ask(instanceIds[0] ?? '', 1);
  ask(instanceIds[4] ?? '', 1);
  const codes = (): unknown[] => master.frames.flatMap((frame) => (frame.type === 'result' && !frame.payload.outcome.ok ? [frame.payload.outcome.code] : []));
  await until('refused', () => codes().length === 2);
  expect(codes()).toEqual(['stale', 'unknown-instance']);
});

test('a refused agent leaves the guests alone', async () => {
  order(want(0, 1, 'running'));
  await reaches(0, 1, 'running');
  await master.close();
  master.refuse = { code: 'retired', sentence: 'It left the pool.' };
  await master.listen();
  await until('refused', () => master.hellos.length === 2);
  await until('down', () => !agent.isConnected);
  expect(domainOf(0)).toBe('running');
});

test('from order to start the agent itself takes less than 100 ms when the image is there', async () => {
  order(want(0, 1, 'running'));
  await reaches(0, 1, 'running');
  const tookMs: number[] = [];
  for (const n of [1, 2, 3, 4]) {
    const begun = performance.now();
    order(want(n, 1, 'running'));
    await until('started', () => domainOf(n) === 'running');
    tookMs.push(performance.now() - begun);
    await reaches(n, 1, 'running');
  }
  // What others on this machine take is added to some of them; the agent's own share is in each.
  expect(Math.min(...tookMs)).toBeLessThan(100);
});

test('an order that could not be kept is acted on by nobody, however often the host is looked at', async () => {
  await crash();
  const broken: Error[] = [];
  journal = await Journal.open(join(directory, 'journal'), log, { onBroken: (error) => broken.push(error) });
  await dial();
  await until('connected', () => agent.isConnected);
  const probe = await open(join(directory, 'probe'), 'w');
  const disk = jest.spyOn(Object.getPrototypeOf(probe) as FileHandle, 'datasync').mockRejectedValueOnce(Object.assign(new Error('bad block'), { code: 'EIO' }));
  await probe.close();
  order(want(0, 1, 'running'));
  await until('the agent is told to end', () => broken.length === 1);
  disk.mockRestore();
  const found = jest.spyOn(driver, 'find');
  driver.vanishes(instanceIds[0] ?? '');
  await until('the instance was looked at', () => found.mock.calls.length > 0);
  await agent.settled();
  expect(journal.state.instances.size).toBe(0);
  expect(driver.host.current.domains).toEqual([]);
  expect(await store.instancesOnDisk()).toEqual([]);
  // As its service does: the master names the order again, and now it is kept and obeyed.
  await crash();
  await startAgent();
  await reaches(0, 1, 'running');
});

describe('what blocks the agent is told at once, and heals by itself:', () => {
  /** As the system's clock, with every wait a twentieth. */
  const hasty: Clock = { ...clock, after: (delayMs, run) => clock.after(delayMs / 20, run) };
  const troubles = (): readonly string[] => {
    const told = master.frames.flatMap((frame) => (frame.type === 'hello' ? (frame.payload.describe.troubles ?? []) : frame.type === 'describe' ? (frame.payload.changed.troubles ?? null) : null)).filter((one) => one !== null);
    const last = master.frames.filter((frame) => frame.type === 'hello' || (frame.type === 'describe' && frame.payload.changed.troubles !== undefined)).at(-1);
    const now = last?.type === 'hello' ? last.payload.describe.troubles : last?.type === 'describe' ? last.payload.changed.troubles : [];
    expect(told.every(({ sentence }) => /Since \d{4}-/.test(sentence))).toBe(true);
    return (now ?? []).map(({ code }) => code);
  };
  const beats = (): number => master.frames.filter(({ type }) => type === 'heartbeat').length;
  let disk: FullDisk | null = null;
  let space: { totalMiB: number; availableMiB: number };
  beforeEach(async () => {
    await crash();
    pool = { directory: '/pool', reserveMiB: 256 };
    mirrorAnswers = true;
    space = { totalMiB: 1000, availableMiB: 1000 };
    journal = await Journal.open(join(directory, 'journal'), log, { reserveBytes: 16 });
    jest.spyOn(store, 'space').mockImplementation(() => Promise.resolve(space));
    await dial(hasty);
    await until('connected', () => agent.isConnected);
  });
  afterEach(() => {
    disk?.free();
    pool = null;
    mirrorAnswers = null;
  });

  test('no room for its journal: orders are refused and taken when they come again, running guests and heartbeats go on', async () => {
    order(want(0, 1, 'running'));
    await reaches(0, 1, 'running');
    await agent.settled();
    disk = await FullDisk.fill();
    order(want(0, 2, 'suspended'), want(1, 1, 'running'));
    await until('told', () => troubles().includes('state-full'));
    const before = beats();
    await until('heartbeats', () => beats() > before + 2);
    expect(domainOf(0)).toBe('running');
    expect(domainOf(1)).toBeUndefined();
    expect(journal.state.instances.get(instanceIds[0] ?? '')?.desired?.generation).toBe(1);
    disk.free();
    await until('healed', () => troubles().length === 0);
    master.push(...master.desired);
    await reaches(0, 2, 'suspended');
    await reaches(1, 1, 'running');
  });

  test('no room when it starts: it connects with the count of its last start, and counts this one later', async () => {
    order(want(0, 1, 'running'));
    await reaches(0, 1, 'running');
    await crash();
    const { epoch } = journal.state;
    disk = await FullDisk.fill();
    await rm(join(directory, 'journal', 'journal.reserve'), { force: true });
    journal = await Journal.open(join(directory, 'journal'), log);
    master.hellos.length = 0;
    await dial(hasty);
    await until('hello', () => master.hellos.length === 1);
    expect(master.hellos[0]).toMatchObject({ epoch, describe: { troubles: [{ code: 'state-full' }] } });
    await until('seen', () => agent.seen().some(({ state }) => state === 'running'));
    disk.free();
    await until('counted', () => journal.state.epoch === epoch + 1);
    await until('healed', () => troubles().length === 0);
  });

  test('a launch under way is not given up because nothing can be noted: it goes on when there is room', async () => {
    driver.faults.hangNext('define');
    order(want(0, 1, 'running'));
    await until('made', () => journal.state.instances.get(instanceIds[0] ?? '')?.marks.made === true);
    disk = await FullDisk.fill();
    driver.faults.releaseHung();
    await until('told', () => troubles().includes('state-full'));
    await sleep(clock, 300);
    expect(stateOf(0)).toBe('preparing');
    expect(domainOf(0)).toBe('off');
    disk.free();
    await reaches(0, 1, 'running');
  });

  test('a full pool: told, and a guest that a full disk stopped is continued as soon as there is room', async () => {
    order(want(0, 1, 'running'));
    await reaches(0, 1, 'running');
    const resumed = jest.spyOn(driver, 'resume').mockRejectedValue(new Error('still full'));
    space = { totalMiB: 1000, availableMiB: 3 };
    driver.diskFails(instanceIds[0] ?? '');
    await until('told', () => troubles().includes('pool-full'));
    await until('tried in vain', () => resumed.mock.calls.length >= 4);
    expect(domainOf(0)).toBe('paused-io');
    resumed.mockRestore();
    space = { totalMiB: 1000, availableMiB: 900 };
    const freedAt = Date.now();
    await until('healed', () => troubles().length === 0 && domainOf(0) === 'running');
    // The agent looks every 2 s, here a twentieth; its next attempt by back-off alone was 4 s away.
    expect(Date.now() - freedAt).toBeLessThan(2000);
  });

  test('a mirror that does not answer: told with the way out, and a guest that lacked its image is continued as soon as it answers', async () => {
    order(want(0, 1, 'running'));
    await reaches(0, 1, 'running');
    const resumed = jest.spyOn(driver, 'resume').mockRejectedValue(new Error('no image'));
    mirrorAnswers = false;
    driver.diskFails(instanceIds[0] ?? '');
    await until('told', () => troubles().includes('mirror-silent'));
    await until('tried in vain', () => resumed.mock.calls.length >= 4);
    expect(domainOf(0)).toBe('paused-io');
    await until('its instance names the mirror', () => master.observed.get(instanceIds[0] ?? '')?.reason?.sentence.includes('the mirror of this host') === true);
    resumed.mockRestore();
    mirrorAnswers = true;
    await until('healed', () => troubles().length === 0 && domainOf(0) === 'running');
  });

  test('a hypervisor that does not answer: told within seconds, heartbeats and hellos go on, waiting work is done when it answers', async () => {
    order(want(0, 1, 'running'));
    await reaches(0, 1, 'running');
    await agent.settled();
    for (const call of ['version', 'find', 'inventory'] as const) for (let n = 0; n < 50; n += 1) driver.faults.hangNext(call);
    order(want(0, 2, 'suspended'));
    await until('told', () => troubles().includes('hypervisor-silent'));
    const before = beats();
    await until('heartbeats', () => beats() > before + 2);
    await master.close();
    master.hellos.length = 0;
    await master.listen();
    await until('hello again', () => master.hellos.length === 1);
    expect(master.hellos[0]?.describe.troubles).toMatchObject([{ code: 'hypervisor-silent' }]);
    expect(domainOf(0)).toBe('running');
    driver.faults.forgetQueued();
    driver.faults.releaseHung();
    await until('healed', () => troubles().length === 0);
    await reaches(0, 2, 'suspended');
  });
});

test('where a guest is in its life is told to those who record what it reads, and no step waits for that', async () => {
  order(want(0, 1, 'running'));
  await reaches(0, 1, 'running');
  order(want(0, 2, 'suspended'));
  await reaches(0, 2, 'suspended');
  order(want(0, 3, 'running'));
  await reaches(0, 3, 'running');
  order(want(0, 4, 'stopped'));
  await reaches(0, 4, 'stopped');
  const phases = store.phases.get(instanceIds[0] ?? '') ?? [];
  expect(phases.filter((phase, index) => phase !== phases[index - 1])).toEqual(['boot', 'application', 'shutdown']);
});

test('a guest network that somebody took away costs no launch: it is made again before the next attempt', async () => {
  order(want(0, 1, 'running'));
  await reaches(0, 1, 'running');
  driver.networkGoesDown();
  const ensured = jest.spyOn(driver, 'ensureNetwork');
  order(want(1, 1, 'running'));
  await reaches(1, 1, 'running');
  expect(ensured).toHaveBeenCalledTimes(1);
  const told = master.frames.flatMap((frame) => (frame.type === 'observed' ? frame.payload.instances : []));
  expect(told.filter(({ state }) => state === 'failed')).toEqual([]);
});

test('whenever the host is listed again the guest network is looked at too', async () => {
  driver.networkGoesDown();
  const ensured = jest.spyOn(driver, 'ensureNetwork');
  await driver.open();
  await until('looked at', () => ensured.mock.calls.length > 0);
});

/** Domains of this slave that its journal knows nothing of, as after the loss of the journal. */
function strangers(count: number): readonly string[] {
  return Array.from({ length: count }, (_, n) => {
    const instanceId = newId(1_600_000_000_000 + n);
    driver.host.putDomain({ instanceId, name: `i-old-${n}`, generation: 1, slaveId, vcpus: 1, ramMiB: 1, mac: `00:16:3e:01:00:${n.toString(16).padStart(2, '0')}`, serialLog: '/x', state: 'off', booted: false, boots: 0, disk: [] });
    return instanceId;
  });
}

test('an inventory larger than a hello is told whole in the frames behind it, and then called complete', async () => {
  const ids = strangers(150);
  await crash();
  master.observed.clear();
  await startAgent();
  await until('complete', () => master.hellos.length === 2 && master.named !== null);
  expect(master.hellos[1]).toMatchObject({ inventoryComplete: false });
  expect(master.hellos[1]?.inventory).toHaveLength(100);
  expect([...(master.named ?? [])].sort()).toEqual([...ids].sort());
});

test('a hypervisor that does not answer in time makes the hello incomplete until it has answered', async () => {
  const ids = strangers(1);
  await crash();
  master.observed.clear();
  journal = await Journal.open(join(directory, 'journal'), log);
  driver = new SimulatedDriver({ slaveId, clock, stateFile: join(directory, 'host.json') });
  driver.faults.hangNext('inventory');
  await dial({ ...clock, after: (delayMs, run) => clock.after(delayMs === 10_000 ? 1 : delayMs, run) });
  await until('connected', () => agent.isConnected);
  expect(master.hellos[1]).toMatchObject({ inventory: [], inventoryComplete: false });
  expect(master.named).toBeNull();
  driver.faults.releaseHung();
  await until('complete', () => master.named !== null);
  expect(master.named).toEqual(ids);
});

test('a host with nothing on it says so in its hello', async () => {
  await until('told', () => master.named !== null);
  expect(master.hellos[0]).toMatchObject({ inventory: [], inventoryComplete: true });
});

describe('what of the network outside leads to a guest', () => {
  const wanted = (n: number, generation: number, desired: 'running' | 'suspended', ...publicPorts: number[]): DesiredInstance => ({
    instanceId: instanceIds[n] ?? '', generation, desired,
    spec: { ...specOf(n), public: publicPorts.map((publicPort) => ({ kind: 'port' as const, transport: 'tcp' as const, publicPort, guestPort: 80 })) },
  });
  /** Applied one after the other: each by its ports. */
  let applied: string[];
  let gate: Promise<void>;
  beforeEach(async () => {
    applied = [];
    gate = Promise.resolve();
    publicNetwork = {
      apply: async (mappings) => {
        await gate;
        applied.push(mappings.map(({ mapping, guest }) => `${mapping.kind === 'port' ? mapping.publicPort : mapping.address} → ${guest}`).join(', '));
        return [];
      },
    };
    await crash();
    await startAgent();
    await until('connected', () => agent.isConnected);
  });
  afterEach(() => (publicNetwork = null));

  test('follows the orders of what runs here: made when it runs, gone before its saving has ended, made by the next agent', async () => {
    order(wanted(0, 1, 'running', 20_000), wanted(1, 1, 'running'));
    await reaches(0, 1, 'running');
    await until('mapped', () => applied.at(-1) === '20000 → 10.77.0.10');
    order(wanted(1, 2, 'running', 20_001));
    await until('both', () => applied.at(-1) === '20000 → 10.77.0.10, 20001 → 10.77.0.11');
    order(wanted(0, 2, 'suspended', 20_000));
    await until('one', () => applied.at(-1) === '20001 → 10.77.0.11');
    await reaches(0, 2, 'suspended');
    await crash();
    applied = [];
    await startAgent();
    await until('as it was', () => applied.at(-1) === '20001 → 10.77.0.11');
    order(want(1, 3, 'deleted'));
    await until('none', () => applied.at(-1) === '');
    await reaches(1, 3, 'deleted');
  });

  test('is taken back before the master is answered: it gives it to somebody else after that', async () => {
    order(wanted(0, 1, 'running', 20_000));
    await until('mapped', () => applied.at(-1) === '20000 → 10.77.0.10');
    let open: () => void = () => undefined;
    gate = new Promise((resolve) => (open = resolve));
    order(wanted(0, 2, 'running'), wanted(1, 1, 'running'));
    // The other one is not kept from its start by that.
    await reaches(1, 1, 'running');
    expect(master.observed.get(instanceIds[0] ?? '')?.generation).toBe(1);
    open();
    await reaches(0, 2, 'running');
    expect(applied.at(-1)).toBe('');
  });
});
