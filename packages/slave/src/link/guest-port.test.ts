import { newId } from '@paravcl/shared/ids';
import type { DesiredInstance, InstanceSpec } from '@paravcl/shared/protocol/desired-instance';
import { once } from 'node:events';
import { createServer, Socket, type AddressInfo, type Server } from 'node:net';
import { emptyJournal, noInstance } from '../agent/journal-state';
import type { DomainState } from '../hypervisor/driver';
import { dialGuest, GuestPorts } from './guest-port';

const instanceId = newId(1);
const image = { imageId: newId(3), sha256: '3'.repeat(64), sizeBytes: 1024, format: 'raw' as const };
const spec: InstanceSpec = {
  name: 'i-one', vcpus: 1, ramMiB: 64, diskMiB: 8, disk: image, kernel: null, ramdisk: null, kernelArguments: '', mac: '00:16:3e:00:00:01', address: '127.0.0.1', bandwidthMbps: null,
  seed: { hostname: 'i-one', user: 'student', sshPublicKeys: [] },
};

let guest: Server;
let port: number;
beforeEach(async () => {
  guest = createServer((socket) => void socket.on('error', () => undefined).end('hello from the guest')).listen(0, '127.0.0.1');
  await once(guest, 'listening');
  ({ port } = guest.address() as AddressInfo);
});
afterEach(() => guest.close());

interface Case {
  readonly desired?: DesiredInstance['desired'];
  readonly domain?: DomainState | null;
  readonly simulated?: boolean;
}

function connectTo(what: string, { desired = 'running', domain = 'running', simulated = false }: Case = {}) {
  const order = { instanceId, generation: 1, desired, spec } as DesiredInstance;
  const state = { ...emptyJournal, instances: new Map([[instanceId, { ...noInstance, desired: order, spec }]]) };
  const driver = {
    find: (id: string) => Promise.resolve(domain === null ? null : { instanceId: id, generation: 1, name: 'i-one', state: domain }),
  };
  return new GuestPorts({ journal: { state }, driver, simulated }).connect({ kind: 'port', instanceId: what, port });
}

test('a port of a guest that runs here is joined to', async () => {
  const stream = await connectTo(instanceId);
  const read: Buffer[] = [];
  for await (const part of stream as AsyncIterable<Buffer>) read.push(part);
  expect(String(Buffer.concat(read))).toBe('hello from the guest');
});

test('one that is sent to another slave is reached here until it is gone', async () => {
  (await connectTo(instanceId, { desired: 'sent' })).destroy();
});

test('an instance of which this slave has no order is connected to nowhere', async () => {
  await expect(connectTo(newId(2))).rejects.toThrow('not one that runs on this host');
});

test.each(['stopped', 'suspended', 'received', 'deleted'] as const)('one that is wanted %s is not connected to, whatever stands in its order', async (desired) => {
  await expect(connectTo(instanceId, { desired })).rejects.toThrow('not one that runs on this host');
});

test.each([null, 'off', 'saved', 'paused', 'crashed'] as const)('one whose domain is %s is not connected to: somebody else may have its address by now', async (domain) => {
  await expect(connectTo(instanceId, { domain })).rejects.toThrow('i-one does not run on this host.');
});

test('under simulation there is no network to connect to', async () => {
  await expect(connectTo(instanceId, { simulated: true })).rejects.toThrow('simulated');
});

test('a guest that refuses the port is named with it', async () => {
  guest.close();
  await once(guest, 'close');
  await expect(dialGuest({ name: 'i-one', address: '127.0.0.1', port, withinMs: 5000 })).rejects.toThrow(`i-one refused port ${port}: nothing listens there`);
});

test('a guest that says nothing is given up', async () => {
  await expect(dialGuest({ name: 'i-one', address: '10.77.0.9', port: 22, withinMs: 50 }, () => new Socket())).rejects.toThrow('i-one did not answer on port 22 within 0.05 s.');
});
