/**
 * What a master with an outdated memory can do to an agent: nothing. The agent is the real one over a simulated
 * host; its link, the fault proxy before it and both masters speak over real sockets.
 */
import { generateKeyPairSync, sign } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '@paravcl/shared/clock';
import { newId } from '@paravcl/shared/ids';
import type { AgentFrame } from '@paravcl/shared/protocol/agent-to-master';
import type { DesiredInstance, ObservedInstance } from '@paravcl/shared/protocol/desired-instance';
import type { MasterFrame } from '@paravcl/shared/protocol/master-to-agent';
import { eventually } from '@paravcl/workbench/eventually';
import { readAgentMemory } from '@paravcl/workbench/faults/agent-memory';
import { FaultProxy } from '@paravcl/workbench/faults/fault-proxy';
import { StaleMaster, type StaleAnswers } from '@paravcl/workbench/faults/stale-master';
import { duplicates, olderDeletes, olderForgets } from '@paravcl/workbench/faults/stale-orders';
import pino from 'pino';
import { Agent } from '../../src/agent/agent';
import { Journal } from '../../src/agent/journal';
import { SimulatedDiskStore } from '../../src/hypervisor/simulated/simulated-disk-store';
import { SimulatedDriver } from '../../src/hypervisor/simulated/simulated-driver';
import { MasterLink } from '../../src/link/master-link';
import { testCertificate } from '../fixtures/certificate';
import { noSnapshots } from '../fixtures/no-snapshots';

jest.setTimeout(60_000);

const network = { name: 'paravcl', bridge: 'pvcl0', gateway: '10.77.0.1', prefix: 16 };
const siteId = newId(1);
const slaveId = newId(2);
const instanceId = newId(3);
const image = { imageId: newId(4), sha256: '1'.repeat(64), sizeBytes: 1000, format: 'raw' as const };
const running = (generation: number): DesiredInstance => ({
  instanceId,
  generation,
  desired: 'running',
  spec: {
    name: 'i-1', vcpus: 1, ramMiB: 128, diskMiB: 64, disk: image, kernel: null, ramdisk: null, kernelArguments: '',
    mac: '00:16:3e:00:00:01', address: '10.77.0.11', bandwidthMbps: null,
    seed: { hostname: 'i-1', user: 'student', sshPublicKeys: [] },
  },
});
const desired = (...instances: DesiredInstance[]): MasterFrame => ({ type: 'desired', payload: { instances } });

let directory: string;
let logged: Record<string, unknown>[];
let proxy: FaultProxy;
let newest: StaleMaster;
let stale: StaleMaster;
let journal: Journal;
let driver: SimulatedDriver;
let agent: Agent | null = null;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'stale-master-'));
  const { key, cert } = testCertificate();
  await writeFile(join(directory, 'server.key'), key);
  await writeFile(join(directory, 'server.crt'), cert);
  await mkdir(join(directory, 'agent'));
  await writeFile(join(directory, 'agent', 'enrolment.json'), JSON.stringify({ slaveId, siteId }));
  const listen = { host: '127.0.0.1', port: 0 };
  [newest, stale] = [new StaleMaster({ listen, tlsDirectory: directory, siteId, network }), new StaleMaster({ listen, tlsDirectory: directory, siteId, network })];
  await newest.start();
  await stale.start();
  proxy = new FaultProxy({ listen, target: newest.endpoint });
  await proxy.start();
  await startAgent();
});

afterEach(async () => {
  await agent?.stop();
  agent = null;
  await journal.close();
  await proxy.stop();
  await newest.stop();
  await stale.stop();
  await rm(directory, { recursive: true });
});

async function startAgent(): Promise<void> {
  logged = [];
  const log = pino({ level: 'info' }, { write: (line: string) => void logged.push(JSON.parse(line) as Record<string, unknown>) });
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const key = { publicKey: publicKey.export({ type: 'spki', format: 'der' }).toString('base64url'), sign: (bytes: Buffer) => sign(null, bytes, privateKey).toString('base64url') };
  journal = await Journal.open(join(directory, 'agent', 'journal'), log);
  driver = new SimulatedDriver({ slaveId, clock: systemClock, bootMs: 5, shutdownMs: 5, stateFile: join(directory, 'host.json') });
  agent = await Agent.start({
    clock: systemClock,
    log,
    journal,
    driver,
    store: new SimulatedDiskStore({ clock: systemClock, fetchMs: 5, stateFile: join(directory, 'pool.json') }),
    ...noSnapshots,
    build: 'test',
    machineId: '0'.repeat(32),
    uptimeMs: () => performance.now(),
    hostBootId: 'boot-1',
    lastReportPath: join(directory, 'last-report.json'),
    diskSlots: 2,
    ready: () => undefined,
    describe: () =>
      Promise.resolve({
        hostname: 'h', cores: 1, threads: 1, relativeSpeed: 1, cpuModel: 'm', cpuFlags: [], ramTotalMiB: 1, ramAvailableMiB: 1, poolTotalMiB: 1, poolAvailableMiB: 1,
        hypervisor: { kind: 'simulated', why: 'test', usable: true, libvirt: null, qemu: null, machine: null, cpu: null }, interfaces: [], load1: 0, clockOffsetMs: null,
      }),
    load: () => Promise.resolve({ load1: 0, ramAvailableMiB: 1, poolAvailableMiB: 1 }),
    connect: (handlers) =>
      new MasterLink({ clock: systemClock, log, random: () => 0.1, masterUrl: `https://127.0.0.1:${proxy.port}`, ca: [testCertificate().cert], slaveId, siteId, key, ...handlers }),
  });
}

const heardFromStale = (...frames: MasterFrame[]): Promise<StaleAnswers> => stale.lure(proxy, frames);
const observedIn = (frames: readonly AgentFrame[]): readonly ObservedInstance[] => frames.flatMap((frame) => (frame.type === 'observed' ? frame.payload.instances : []));
const isRunning = () => eventually('the guest to run', 15_000, () => (agent?.seen()[0]?.state === 'running' ? true : undefined));
const bootsOf = () => driver.host.domain(instanceId)?.boots;

test('a delete of an older generation is refused, answered with what is, and touches nothing', async () => {
  await newest.speakOnce([desired(running(5))]);
  await isRunning();
  const memory = await readAgentMemory(join(directory, 'agent'));
  expect(memory).toEqual({ slaveId, siteId, network, desired: [running(5)] });

  const { hello, frames } = await heardFromStale(olderDeletes(memory.desired), olderForgets(memory.desired));
  expect(hello).toMatchObject({ slaveId, inventory: [{ instanceId, generation: 5, state: 'running' }] });
  expect(observedIn(frames)).toContainEqual(expect.objectContaining({ instanceId, generation: 5, state: 'running' }));
  expect(logged).toContainEqual(expect.objectContaining({ recovery: 'stale-generation-refused', instanceId, generation: 4 }));
  expect(logged).toContainEqual(expect.objectContaining({ recovery: 'stale-forget-refused', instanceId, generation: 4 }));

  const again = await newest.speakOnce([]);
  expect(again.hello.inventory).toMatchObject([{ instanceId, generation: 5, state: 'running' }]);
  expect(bootsOf()).toBe(1);
  expect((await readAgentMemory(join(directory, 'agent'))).desired).toEqual([running(5)]);
});

test('the same desired state again is answered from memory, and nothing is done twice', async () => {
  await newest.speakOnce([desired(running(5))]);
  await isRunning();
  const { frames } = await heardFromStale(duplicates((await readAgentMemory(join(directory, 'agent'))).desired));
  expect(observedIn(frames)).toContainEqual(expect.objectContaining({ instanceId, generation: 5, state: 'running' }));
  expect(logged).toContainEqual(expect.objectContaining({ recovery: 'duplicate-answered', instanceId, generation: 5 }));
  expect(bootsOf()).toBe(1);
});

test('a tombstone stays until a master forgets that very generation', async () => {
  await newest.speakOnce([desired(running(5))]);
  await isRunning();
  await newest.speakOnce([desired({ instanceId, generation: 6, desired: 'deleted', spec: null })]);
  await eventually('the guest to be gone', 15_000, () => (agent?.seen()[0]?.state === 'deleted' ? true : undefined));
  const { desired: known } = await readAgentMemory(join(directory, 'agent'));
  expect(known).toMatchObject([{ generation: 6, desired: 'deleted' }]);
  await heardFromStale(olderForgets(known));
  const { hello } = await newest.speakOnce([{ type: 'forget', payload: { instances: [{ instanceId, generation: 6 }] } }]);
  expect(hello.inventory).toMatchObject([{ instanceId, generation: 6, state: 'deleted' }]);
  expect((await newest.speakOnce([])).hello.inventory).toEqual([]);
  expect((await readAgentMemory(join(directory, 'agent'))).desired).toEqual([]);
});

test('a stale master that nobody dials says so', async () => {
  await expect(stale.speakOnce([], 50)).rejects.toThrow('no agent came');
});
