import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { guestPage, leftovers, type Guest } from './host-evidence';

const instanceId = '0192f0c1-2345-7abc-8def-0123456789ab';
const mac = '00:16:3e:00:00:01';

let home: string;
let guest: Guest;
let says: Record<string, string>;
const host = (): Parameters<typeof leftovers>[1] => ({
  saves: join(home, 'save'),
  logs: join(home, 'log'),
  virsh: (...args) => {
    const said = says[args.join(' ')];
    return said === undefined ? Promise.reject(new Error(`not expected: virsh ${args.join(' ')}`)) : Promise.resolve(said);
  },
});

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'evidence-'));
  guest = { instanceId, name: 'i-ubuntu-9af', mac, network: 'pv-lab', pool: join(home, 'pool') };
  await mkdir(join(home, 'save'));
  await mkdir(join(home, 'log'));
  await mkdir(join(home, 'pool', 'instances'), { recursive: true });
  says = {
    'list --all --uuid': 'e2ae4b5e-0000-4000-8000-000000000000\n',
    'net-dumpxml -- pv-lab': "<network><ip><dhcp><host mac='00:16:3e:00:00:02' ip='10.0.0.2'/></dhcp></ip></network>",
    'net-dhcp-leases -- pv-lab': ' 2026-11-20 20:00:00   00:16:3e:00:00:02   ipv4   10.0.0.2/24   -   -',
  };
});
afterEach(() => rm(home, { recursive: true }));

test('traces of other guests are none of this one', async () => {
  await writeFile(join(home, 'save', 'pv-i-ubuntu-9af2.save'), '');
  await writeFile(join(home, 'log', 'pv-i-ubuntu-9af2.log'), '');
  expect(await leftovers(guest, host())).toEqual([]);
});

test.each<[string, () => unknown, string]>([
  ['a domain', () => (says['list --all --uuid'] = `${instanceId}\n`), 'its libvirt domain'],
  ['a DHCP entry', () => (says['net-dumpxml -- pv-lab'] = `<host mac='${mac.toUpperCase()}' ip='10.0.0.1'/>`), 'its DHCP entry'],
  ['a DHCP lease', () => (says['net-dhcp-leases -- pv-lab'] = ` 2026-11-20 20:00:00   ${mac}   ipv4   10.0.0.1/24   -   -`), 'its DHCP lease'],
  ['a file in the pool', () => mkdir(join(home, 'pool', 'instances', instanceId)), `the file instances/${instanceId} in the pool`],
  ['saved RAM, which bears the name of the domain', () => writeFile(join(home, 'save', 'pv-i-ubuntu-9af.save'), ''), 'the saved RAM pv-i-ubuntu-9af.save'],
  ['what libvirt logged of its QEMU', () => writeFile(join(home, 'log', 'pv-i-ubuntu-9af.log.0'), ''), 'QEMU’s log pv-i-ubuntu-9af.log.0'],
])('%s that is left is seen', async (_, leave, what) => {
  await leave();
  expect(await leftovers(guest, host())).toEqual([what]);
});

describe('the page of a guest', () => {
  const page = { id: instanceId, name: 'i-ubuntu-9af', bootId: 'boot-1', counter: 3, address: '10.0.0.1' };
  const whole = JSON.stringify(page);

  test.each<[string, (response: ServerResponse) => unknown, typeof page | undefined]>([
    ['that is whole is read', (response) => response.end(whole), page],
    ['of which the rest never comes is none', (response) => response.writeHead(200, { 'content-length': whole.length }).write(whole.slice(0, 9)), undefined],
    ['that breaks off is none', (response) => response.writeHead(200, { 'content-length': whole.length }).write(whole.slice(0, 9), () => response.destroy()), undefined],
    ['that is never begun is none', () => undefined, undefined],
  ])('%s', async (_, answer, expected) => {
    const server = createServer((_request, response) => void answer(response)).listen(0, '127.0.0.1');
    try {
      await new Promise((resolve) => server.once('listening', resolve));
      expect(await guestPage('127.0.0.1', { port: (server.address() as AddressInfo).port, timeoutMs: 100 })).toEqual(expected);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });
});
