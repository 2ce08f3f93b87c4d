import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '@paravcl/shared/clock';
import { newId } from '@paravcl/shared/ids';
import type { DomainSpec } from '../driver';
import { driverContract } from '../driver.contract';
import type { ContractFixture } from '../driver-under.contract';
import { SimulatedDriver } from './simulated-driver';

const network = { name: 'paravcl', bridge: 'pvbr0', gateway: '10.90.0.1', prefix: 16 };
const slaveId = newId(0);

function specOf(number: number): DomainSpec {
  const instanceId = newId(Date.now());
  return {
    instanceId,
    generation: 1,
    name: `i-test-${String(number)}`,
    vcpus: 1,
    ramMiB: 128,
    mac: `00:16:3e:00:01:${number.toString(16).padStart(2, '0')}`,
    bandwidthMbps: null,
    kernelArguments: '',
    files: {
      overlay: `/pool/${instanceId}/disk.qcow2`,
      layers: [],
      backing: { kind: 'file', path: '/pool/base', format: 'raw' },
      seed: `/pool/${instanceId}/seed.iso`,
      kernel: null,
      ramdisk: null,
      serialLog: `/pool/${instanceId}/serial.log`,
      serialSocket: `/pool/${instanceId}/serial.sock`,
      vncSocket: `/pool/${instanceId}/vnc.sock`,
    },
  };
}

function simulation(): Promise<ContractFixture> {
  const driver = new SimulatedDriver({ slaveId, clock: systemClock, bootMs: 5, shutdownMs: 5 });
  const { host } = driver;
  return Promise.resolve({
    driver,
    kind: 'simulated',
    network,
    spec: (number) => Promise.resolve(specOf(number)),
    peek: (uuid) => {
      const state = host.domain(uuid)?.state ?? (host.current.foreign.some((each) => each.uuid === uuid) ? 'running' : undefined);
      if (state === undefined) return Promise.resolve('absent');
      if (state === 'paused-io') return Promise.resolve('paused');
      return Promise.resolve(state === 'running' || state === 'paused' ? state : 'off');
    },
    makeForeign: () => {
      const uuid = newId(Date.now());
      host.change(({ foreign }) => ({ foreign: [...foreign, { name: 'somebody', uuid, state: 'running' }] }));
      return Promise.resolve(uuid);
    },
    makeOtherSlaves: ({ instanceId, name, generation, vcpus, ramMiB, mac, files }) => {
      host.putDomain({ instanceId, name, generation, vcpus, ramMiB, mac, slaveId: newId(1), serialLog: files.serialLog, state: 'off', booted: false, boots: 0, disk: [] });
      return Promise.resolve();
    },
    guestCounter: ({ instanceId }) => Promise.resolve(host.domain(instanceId)?.boots === 1 ? 1 : Number.NaN),
    brittleSpec: (number) => Promise.resolve(specOf(number)),
    failDisk: ({ instanceId }) => Promise.resolve(driver.diskFails(instanceId)),
    mendDisk: () => Promise.resolve(),
    layerOver: (_, below) => Promise.resolve(`${below}.above`),
    chain: (uuid) => Promise.resolve(host.domain(uuid)?.disk ?? []),
    damageSave: ({ instanceId }) => Promise.resolve(driver.damageSave(instanceId)),
    keepRam: (_, file) => Promise.resolve(file),
    noRam: () => Promise.resolve('/nowhere'),
    patienceMs: 2_000,
    dispose: () => Promise.resolve(),
  });
}

driverContract('the simulation', simulation);

describe('the simulated hypervisor', () => {
  const open = async (stateFile?: string): Promise<SimulatedDriver> => {
    const driver = new SimulatedDriver({ slaveId, clock: systemClock, ...(stateFile === undefined ? {} : { stateFile }) });
    await driver.open();
    await driver.ensureNetwork(network);
    return driver;
  };

  it('fails the next call as told, once', async () => {
    const driver = await open();
    const spec = specOf(1);
    await driver.define(spec);
    driver.faults.failNext('start', 'no-room');
    await expect(driver.start(spec.instanceId)).rejects.toMatchObject({ code: 'no-room' });
    await driver.start(spec.instanceId);
    expect(await driver.find(spec.instanceId)).toMatchObject({ state: 'running' });
  });

  it('gives its address to a guest that had booted before the reservation came', async () => {
    const driver = await open();
    const { instanceId, name, mac } = specOf(1);
    await driver.define({ ...specOf(1), instanceId, name, mac });
    await driver.start(instanceId);
    while (driver.host.domain(instanceId)?.booted !== true) await new Promise((resolve) => setImmediate(resolve));
    expect(await driver.leasedMacs()).toEqual(new Set());
    await driver.reserveAddress({ mac, address: '10.90.0.7', name });
    expect(await driver.leasedMacs()).toEqual(new Set([mac]));
  });

  it('hangs a call until it is released', async () => {
    const driver = await open();
    const spec = specOf(1);
    driver.faults.hangNext('define');
    let isDone = false;
    const call = driver.define(spec).then(() => (isDone = true));
    expect(await driver.find(spec.instanceId)).toBeNull();
    expect(isDone).toBe(false);
    driver.faults.releaseHung();
    await call;
    expect(await driver.find(spec.instanceId)).not.toBeNull();
  });

  it('lets a guest power itself off, ignore the request to, and vanish', async () => {
    const driver = await open();
    const [off, deaf, gone] = [specOf(1), specOf(2), specOf(3)];
    for (const spec of [off, deaf, gone]) {
      await driver.define(spec);
      await driver.start(spec.instanceId);
    }
    driver.guestPowersOff(off.instanceId);
    driver.guestIgnoresShutdown(deaf.instanceId);
    await driver.shutdown(deaf.instanceId);
    driver.vanishes(gone.instanceId);
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(await driver.find(off.instanceId)).toMatchObject({ state: 'off' });
    expect(await driver.find(deaf.instanceId)).toMatchObject({ state: 'running' });
    expect(await driver.find(gone.instanceId)).toBeNull();
  });

  it('keeps its guests when the agent restarts', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'paravcl-simulated-'));
    try {
      const file = join(directory, 'host.json');
      const before = await open(file);
      const spec = specOf(1);
      await before.define(spec);
      await before.start(spec.instanceId);
      await before.save(spec.instanceId);
      await before.close();
      const after = await open(file);
      expect(await after.find(spec.instanceId)).toMatchObject({ state: 'saved', generation: 1 });
      writeFileSync(file, '{"domains":"no"}');
      expect(() => new SimulatedDriver({ slaveId, clock: systemClock, stateFile: file })).toThrow(/does not hold a simulated host/);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});
