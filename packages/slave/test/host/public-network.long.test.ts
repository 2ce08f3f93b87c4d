/** What of the network outside leads to guests: libvirt's own NAT network, namespaces in the place of guests, and a neighbour outside. */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { PublicMapping } from '@paravcl/shared/domain/public-mapping';
import { sleep, systemClock } from '@paravcl/shared/clock';
import { newId } from '@paravcl/shared/ids';
import { runTool, type RunTool } from '../../src/describe/run-tool';
import { LibvirtDriver } from '../../src/hypervisor/libvirt/libvirt-driver';
import { HostPublicNetwork } from '../../src/public/public-network';
import type { WantedMapping } from '../../src/public/wanted-mappings';
import { echoOf, machineAt, networkOutside, outside, type Machine } from '../fixtures/network-outside';
import { virsh } from '../fixtures/real-host';

jest.setTimeout(120_000);

const site = { name: 'pv-public', bridge: 'pvpublic0', gateway: '10.94.0.1', prefix: 16 };
const guests = { one: '10.94.0.5', two: '10.94.0.6' } as const;
const { free, alsoFree, host } = outside;
const lead = (guest: keyof typeof guests, mapping: PublicMapping): WantedMapping => ({ instanceId: `instance-${guest}`, name: `i-${guest}`, guest: guests[guest], mapping });
const address = (guest: keyof typeof guests, its: string = free): WantedMapping => lead(guest, { kind: 'address', address: its });
const port = (guest: keyof typeof guests, publicPort: number, guestPort: number, transport: 'tcp' | 'udp' = 'tcp'): WantedMapping => lead(guest, { kind: 'port', transport, publicPort, guestPort });

const text = (program: string, ...args: readonly string[]): string => execFileSync(program, [...args], { encoding: 'utf8' });
const iptablesRules = (): string => text('iptables', '-w', '-S', 'FORWARD');
const addressesOutside = (): string => text('ip', '-4', '-brief', 'address', 'show', 'dev', outside.device);
const tables = (): string => text('nft', 'list', 'tables');

const network = new HostPublicNetwork();
const driver = new LibvirtDriver({ type: 'qemu', slaveId: newId(1), clock: systemClock });
let neighbour: Machine;
let one: Machine;
let two: Machine;

beforeAll(async () => {
  if (process.env['PARAVCL_PRIVATE_HOST'] !== '1') throw new Error('This test makes networks: run it inside a private host (npm test does).');
  // As after a boot: another test of this host may have mapped something.
  await runTool('nft', ['delete', 'table', 'ip', 'paravcl_public'], 10_000);
  await driver.open();
  await driver.ensureNetwork(site);
  neighbour = networkOutside();
  one = machineAt(site.bridge, site.gateway, 'one', guests.one);
  two = machineAt(site.bridge, site.gateway, 'two', guests.two);
  for (const machine of [one, two, neighbour]) machine.echoAt(7000);
  one.echoAt(7001);
  // An answer shows that all of them listen, and that guests reach outside.
  await eventually('the machines to answer', async () => (await two.echo(guests.one, 7001)) === 'hello' && (await one.echo(outside.neighbour, 7000)) === 'hello');
});
afterEach(() => network.apply([], site));
afterAll(async () => {
  for (const machine of [neighbour, one, two]) machine.remove();
  await driver.close();
  for (const words of [['net-destroy', '--', site.name], ['net-undefine', '--', site.name]]) virsh(...words);
});

async function eventually(what: string, look: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + 30_000;
  while (!(await look())) {
    if (Date.now() > end) throw new Error(`never came: ${what}`);
    await sleep(systemClock, 20);
  }
}

test('a host that is never told to map anything has neither table nor rule of ours', async () => {
  expect(await network.apply([], site)).toEqual([]);
  expect(tables()).not.toContain('paravcl_public');
  expect(iptablesRules()).not.toContain('paravcl-public');
});

test('an address is its guest’s for neighbours, other guests and the host, and a port leads to one port; nothing else is reached', async () => {
  expect(await neighbour.echo(free, 7000)).not.toBe('hello');
  expect(await network.apply([address('one'), port('two', 20_001, 7000)], site)).toEqual([]);
  // The neighbour has just asked in vain who has that address: it asks again in its own time.
  await eventually('the neighbour to find it', async () => (await neighbour.echo(free, 7000)) === 'hello');
  expect(await neighbour.echo(free, 7001)).toBe('hello');
  expect(await neighbour.echo(free, 7002)).toMatch(/refused/);
  expect(await neighbour.echo(host, 20_001)).toBe('hello');
  expect(await neighbour.echo(host, 20_002)).toMatch(/refused/);
  expect(await neighbour.echo(host, 7000)).toMatch(/refused/);
  expect(await two.echo(free, 7001)).toBe('hello');
  expect(await one.echo(host, 20_001)).toBe('hello');
  expect(text('timeout', '5', 'bash', '-c', `exec 3<>/dev/tcp/${free}/7001; echo from the host >&3; head -n 1 <&3`)).toBe('from the host\n');
});

test('what a guest with an address begins is seen from it, and of the others from the host’s own', async () => {
  await network.apply([address('one'), port('two', 20_001, 7000)], site);
  const seen = async (from: Machine): Promise<string> => {
    const connection = from.start('busybox', 'nc', outside.neighbour, '7000');
    expect(await echoOf(connection)).toBe('hello');
    const peers = await neighbour.says('ss', '-Htn', 'state', 'established', 'sport = :7000');
    connection.kill('SIGKILL');
    await eventually('the neighbour to be alone', async () => (await neighbour.says('ss', '-Htn', 'state', 'established', 'sport = :7000')) === '');
    return peers;
  };
  expect(await seen(one)).toContain(`${free}]:`);
  expect(await seen(two)).toContain(`${host}]:`);
});

test('UDP is mapped by its ports too, and cut off with its mapping', async () => {
  one.start(process.execPath, '-e', "const socket = require('node:dgram').createSocket('udp4'); socket.on('message', (words, { port, address }) => socket.send(words, port, address)); socket.bind(7005)");
  await network.apply([port('one', 20_005, 7005, 'udp')], site);
  // Each line is sent when the one before has come back.
  const sender = neighbour.start('bash', '-c', `exec 3<>/dev/udp/${host}/20005; while read -r line; do echo "$line" >&3; timeout 1 head -n 1 <&3 || echo silence; done`);
  await eventually('an answer', async () => (await echoOf(sender)) === 'hello');
  await network.apply([], site);
  expect(await echoOf(sender)).toBe('silence');
});

test('with its mapping an open connection ends at both ends, while the ones of others go on; a new mapping of the same address is the new guest’s alone', async () => {
  await network.apply([address('one'), port('two', 20_001, 7000)], site);
  const cut = neighbour.start('busybox', 'nc', free, '7000');
  const cutFromInside = one.start('busybox', 'nc', outside.neighbour, '7000');
  const kept = neighbour.start('busybox', 'nc', host, '20001');
  for (const connection of [cut, cutFromInside, kept]) expect(await echoOf(connection)).toBe('hello');

  await network.apply([port('two', 20_001, 7000), address('two')], site);
  const ended = [cut, cutFromInside].map((connection) => new Promise((resolve) => connection.once('close', resolve)));
  for (const connection of [cut, cutFromInside]) expect(await echoOf(connection, 'still there')).not.toBe('still there');
  await Promise.all(ended);
  expect(await echoOf(kept, 'still there')).toBe('still there');
  expect(await neighbour.echo(free, 7000)).toBe('hello');
  expect(await neighbour.echo(free, 7001)).toMatch(/refused/);

  await network.apply([], site);
  expect(await echoOf(kept, 'and now')).not.toBe('and now');
  expect(await neighbour.echo(host, 20_001)).toMatch(/refused/);
  expect(addressesOutside()).not.toContain(free);
  expect(iptablesRules()).not.toContain('paravcl-public');
});

test('what somebody took away is there after the next look, and stands before what libvirt made again', async () => {
  const wanted = [address('one')];
  await network.apply(wanted, site);
  text('nft', 'delete', 'table', 'ip', 'paravcl_public');
  text('iptables', '-w', '-F', 'FORWARD');
  text('ip', 'address', 'delete', `${free}/32`, 'dev', outside.device);
  // libvirtd sets its rules again when it starts, as it does here.
  const pid = text('cat', '/run/libvirtd.pid').trim();
  process.kill(Number(pid), 'SIGKILL');
  text('libvirtd', '-d');
  await eventually('libvirt to answer', () => Promise.resolve(runTool('virsh', ['--quiet', 'version'], 10_000).then(({ exitStatus }) => exitStatus === 0)));
  await eventually('libvirt to refuse again', async () => (await neighbour.echo(guests.one, 7000)) !== 'hello' && iptablesRules().includes('LIBVIRT_FWI'));
  await network.apply(wanted, site);
  expect(await neighbour.echo(free, 7000)).toBe('hello');

  // A rule that came to lie behind libvirt's is put before it, and is there once.
  text('iptables', '-w', '-D', 'FORWARD', '1');
  text('iptables', '-w', '-A', 'FORWARD', '-m', 'connmark', '--mark', '0x200000/0x200000', '-m', 'comment', '--comment', 'paravcl-public', '-j', 'ACCEPT');
  await network.apply(wanted, site);
  const rules = iptablesRules().split('\n');
  expect(rules.flatMap((rule, index) => (rule.includes('paravcl-public') ? [index] : []))).toEqual([1]);
});

test('killed at whatever step, its next start leaves what is ordered and nothing else', async () => {
  const before = [address('one'), port('one', 20_001, 7001)];
  const after = [address('two', alsoFree), port('two', 20_001, 7000)];
  let steps = 0;
  for (let killedAt = 1; ; killedAt++) {
    await network.apply(before, site);
    steps = 0;
    const dying: RunTool = async (...call) => {
      steps += 1;
      if (steps === killedAt) throw new Error('killed');
      return runTool(...call);
    };
    const died = await new HostPublicNetwork(dying).apply(after, site).then(() => false, () => true);
    await new HostPublicNetwork().apply(after, site);
    expect(addressesOutside().match(/198\.51\.100\.5\d/g)).toEqual([alsoFree]);
    expect(text('nft', 'list', 'table', 'ip', 'paravcl_public').match(/10\.94\.0\.[56]\b/g)?.every((guest) => guest === guests.two)).toBe(true);
    if (!died) break;
  }
  expect(steps).toBeGreaterThan(5);
  expect(await neighbour.echo(alsoFree, 7000)).toBe('hello');
  expect(await neighbour.echo(free, 7000)).not.toBe('hello');
});

test('nothing is taken from the host: an address that it has, a network that it has not, and a port where something listens', async () => {
  text('ip', 'route', 'add', '203.0.113.0/24', 'via', outside.neighbour);
  const program = createServer().listen(20_009, '0.0.0.0');
  await once(program, 'listening');
  try {
    const refused = await network.apply([address('one', host), address('one', '203.0.113.7'), address('one', '10.94.0.77'), port('one', 20_009, 7000), address('one')], site);
    expect(refused.map(({ sentence }) => sentence)).toEqual([
      `The public address ${host} does not lead to i-one: this host has it itself, on lan0. Take it out of the pool (publicAddresses), or off the host.`,
      `The public address 203.0.113.7 does not lead to i-one: no interface of this host has its network: the way there leads over ${outside.neighbour}. Give the host an address of that network, or take it out of the pool (publicAddresses).`,
      'The public address 10.94.0.77 does not lead to i-one: it is none of the network outside but of the guests’ own 10.94.0.0/16. Take it out of the pool (publicAddresses).',
      'The public port 20009/tcp does not lead to i-one: something on this host listens there (see: ss -lnpt sport = :20009). Give the machine another port, or end that.',
    ]);
    expect(addressesOutside()).toContain(`${host}/24`);
    expect(await neighbour.echo(free, 7000)).toBe('hello');
  } finally {
    program.close();
    text('ip', 'route', 'delete', '203.0.113.0/24');
  }
});

test('libvirt’s nftables table, where there is one, gets the one rule before all of its own and loses it again', async () => {
  writeFileSync('/run/libvirt-like.nft', 'table ip libvirt_network {\n chain guest_input { oifname "pvpublic0" counter reject; }\n chain forward { type filter hook forward priority filter; policy accept; counter jump guest_input; }\n}\n');
  text('nft', '-f', '/run/libvirt-like.nft');
  const rules = (): string => text('nft', 'list', 'chain', 'ip', 'libvirt_network', 'forward');
  try {
    await network.apply([address('one')], site);
    await network.apply([address('one')], site);
    expect(rules().match(/paravcl-public/g)).toHaveLength(1);
    expect(await neighbour.echo(free, 7000)).toBe('hello');
    await network.apply([], site);
    expect(rules()).not.toContain('paravcl-public');
  } finally {
    text('nft', 'delete', 'table', 'ip', 'libvirt_network');
  }
});
