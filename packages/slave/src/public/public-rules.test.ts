import fc from 'fast-check';
import type { PublicMapping } from '@paravcl/shared/domain/public-mapping';
import type { DesiredInstance, InstanceSpec } from '@paravcl/shared/protocol/desired-instance';
import { emptyJournal, noInstance, type JournalState } from '../agent/journal-state';
import { readAddresses, readListeners, readWay, ownAddressMetric, type HostSight } from './host-sight';
import { judgeMappings } from './judge-mappings';
import { publicRules } from './public-rules';
import { outsideOf, wantedMappings, type WantedMapping } from './wanted-mappings';

const site = { name: 'paravcl', bridge: 'pvcl0', gateway: '10.77.0.1', prefix: 16 };
const image = { imageId: '0190f3a0-0000-7000-8000-000000000001', sha256: '1'.repeat(64), sizeBytes: 1000, format: 'raw' as const };
const specOf = (number: number, mappings: readonly PublicMapping[]): InstanceSpec => ({
  name: `i-${number}`, vcpus: 1, ramMiB: 128, diskMiB: 64, disk: image, kernel: null, ramdisk: null, kernelArguments: '',
  mac: '00:16:3e:00:00:01', address: `10.77.0.${number + 10}`, bandwidthMbps: null, public: [...mappings],
  seed: { hostname: `i-${number}`, user: 'student', sshPublicKeys: [] },
});
const address = (last: number): PublicMapping => ({ kind: 'address', address: `192.0.2.${last}` });
const port = (publicPort: number, guestPort = 80): PublicMapping => ({ kind: 'port', transport: 'tcp', publicPort, guestPort });
const well: HostSight = {
  forwards: true,
  addresses: [{ address: '192.0.2.1', device: 'eno1', own: false }, { address: '10.77.0.1', device: 'pvcl0', own: false }],
  listeners: [],
  ways: new Map(Array.from({ length: 256 }, (_, last) => [`192.0.2.${last}`, { device: 'eno1', gateway: null }])),
};
const leads = (mapping: PublicMapping, number = 1): WantedMapping => ({ instanceId: `id-${number}`, name: `i-${number}`, guest: `10.77.0.${number + 10}`, mapping });
const journal = (...orders: readonly DesiredInstance[]): JournalState['instances'] => new Map(orders.map((desired) => [desired.instanceId, { ...noInstance, desired, spec: desired.spec }]));
const order = (number: number, desired: 'running' | 'suspended' | 'stopped', mappings: readonly PublicMapping[]): DesiredInstance => ({ instanceId: `id-${number}`, generation: 1, desired, spec: specOf(number, mappings) });

/** What the rules lead where, read back from their text. */
function readBack(rules: string): readonly string[] {
  return [...rules.matchAll(/^ {4}(?:ip daddr ([\d.]+)|fib .* (tcp|udp) dport (\d+)) .* dnat to ([\d.:]+) comment/gm)].map(([, to, transport, publicPort, guest]) => `${to ?? `port ${publicPort ?? ''}/${transport ?? ''}`} → ${guest ?? ''}`);
}

test('what is wanted are the mappings of instances that are ordered to run, or to leave, and run here', () => {
  const sent = { ...order(4, 'running', [port(4)]), desired: 'sent' as const, migration: { id: '0190f3a0-0000-7000-8000-000000000080', ticket: 'x'.repeat(43), deadlineMs: 1000 } } as DesiredInstance;
  const orders = journal(order(2, 'running', [port(2), address(2)]), order(1, 'running', [address(1)]), order(3, 'suspended', [address(3)]), sent, { instanceId: 'id-5', generation: 2, desired: 'deleted', spec: null }, order(6, 'running', [address(6)]));
  const wanted = wantedMappings(orders, (id) => id !== 'id-6');
  expect(wanted.map(({ name, mapping }) => `${name} ${outsideOf(mapping)}`)).toEqual(['i-1 192.0.2.1', 'i-2 192.0.2.2', 'i-2 port 2/tcp', 'i-4 port 4/tcp']);
  expect(wantedMappings(emptyJournal.instances, () => true)).toEqual([]);
});

test('whatever is ordered, the rules lead exactly what is wanted to the guest that wants it, and nothing to two', () => {
  const mapping = fc.oneof(fc.integer({ min: 2, max: 8 }).map(address), fc.record({ publicPort: fc.integer({ min: 20_000, max: 20_004 }), guestPort: fc.integer({ min: 1, max: 3 }) }).map((one) => port(one.publicPort, one.guestPort)));
  const orders = fc.array(fc.record({ desired: fc.constantFrom('running', 'suspended', 'stopped'), mappings: fc.array(mapping, { maxLength: 3 }), here: fc.boolean() }), { maxLength: 8 });
  fc.assert(
    fc.property(orders, (all) => {
      const instances = journal(...all.map(({ desired, mappings }, number) => order(number, desired, mappings)));
      const wanted = wantedMappings(instances, (id) => all[Number(id.slice(3))]?.here === true);
      const { made, refused } = judgeMappings(wanted, site, well);
      const got = readBack(publicRules(made, site));
      const asked = all.flatMap(({ desired, mappings, here }, number) =>
        desired === 'running' && here ? mappings.map((one) => `${outsideOf(one)} → 10.77.0.${number + 10}${one.kind === 'port' ? `:${one.guestPort}` : ''}`) : [],
      );
      const outsides = got.map((one) => one.split(' → ')[0]);
      expect(new Set(outsides).size).toBe(outsides.length);
      expect(got.filter((one) => !asked.includes(one))).toEqual([]);
      expect(new Set(outsides)).toEqual(new Set(asked.map((one) => one.split(' → ')[0])));
      expect(made.length + refused.length).toBe(asked.length);
    }),
  );
});

test('the same orders make the same rules, in whatever order they came', () => {
  const orders = [order(1, 'running', [address(1), port(20_000)]), order(2, 'running', [port(20_001), address(2)])];
  const rules = (...all: readonly DesiredInstance[]): string => publicRules(wantedMappings(journal(...all), () => true), site);
  expect(rules(...orders)).toBe(rules(...[...orders].reverse()));
});

test('a table without mappings still holds what was mapped before', () => {
  const rules = publicRules([], site);
  expect(rules).toContain('jump held');
  expect(rules).toMatch(/chain held \{\n {4}meta l4proto tcp reject with tcp reset\n {4}drop\n/);
  expect(readBack(rules)).toEqual([]);
});

test.each<[string, PublicMapping, Partial<HostSight>, RegExp]>([
  ['an address of the host itself', address(1), {}, /^The public address 192\.0\.2\.1 does not lead to i-1: this host has it itself, on eno1\. Take it out of the pool/],
  ['an address behind a gateway', { kind: 'address', address: '203.0.113.9' }, { ways: new Map([['203.0.113.9', { device: 'eno1', gateway: '192.0.2.254' }]]) }, /the way there leads over 192\.0\.2\.254\. Give the host/],
  ['an address that leads nowhere', { kind: 'address', address: '203.0.113.9' }, {}, /no interface of this host has its network\. Give/],
  ['an address of the guests’ network', { kind: 'address', address: '10.77.5.5' }, {}, /the guests’ own 10\.77\.0\.0\/16/],
  ['an address of the loopback', { kind: 'address', address: '127.0.0.9' }, {}, /of this host alone/],
  ['a port where something listens', port(20_000), { listeners: [{ transport: 'tcp', port: 20_000, address: null }] }, /^The public port 20000\/tcp does not lead to i-1: something on this host listens there \(see: ss -lnpt sport = :20000\)/],
  ['a host that does not forward', address(5), { forwards: false }, /IPv4 forwarding is off on this host.* sysctl -w net\.ipv4\.ip_forward=1/],
])('%s is not mapped, and the sentence says why and the way out', (_what, mapping, sight, sentence) => {
  const { made, refused } = judgeMappings([leads(mapping)], site, { ...well, ...sight });
  expect(made).toEqual([]);
  expect(refused.map((one) => one.sentence)).toEqual([expect.stringMatching(sentence)]);
});

test('what listens for another transport, for guests or for the host alone is in nobody’s way', () => {
  const listeners = [{ transport: 'udp' as const, port: 20_000, address: null }, { transport: 'tcp' as const, port: 20_000, address: '127.0.0.53' }, { transport: 'tcp' as const, port: 20_000, address: '10.77.0.1' }];
  expect(judgeMappings([leads(port(20_000))], site, { ...well, listeners }).refused).toEqual([]);
});

test('what leads to one machine is refused to a second in the first one’s name', () => {
  const { made, refused } = judgeMappings([leads(port(20_000), 1), leads(port(20_000), 2)], site, well);
  expect(made.map(({ name }) => name)).toEqual(['i-1']);
  expect(refused.map(({ sentence }) => sentence)).toEqual(['The public port 20000/tcp does not lead to i-2: it leads to i-1 already. Take it back from one of the two.']);
});

test('an address that lies here by us is kept where it is', () => {
  const addresses = [{ address: '192.0.2.9', device: 'eno2', own: true }];
  expect(judgeMappings([leads(address(9))], site, { ...well, addresses }).made).toMatchObject([{ device: 'eno2' }]);
});

test('ip(8) tells addresses and which are ours, and the way to one', () => {
  const info = { family: 'inet', scope: 'global', label: 'eno1' };
  const json = JSON.stringify([
    { ifname: 'eno1', addr_info: [{}, { ...info, local: '192.0.2.1', prefixlen: 24 }, { ...info, local: '192.0.2.9', prefixlen: 32, metric: ownAddressMetric }, { ...info, local: '192.0.2.10', prefixlen: 24, metric: ownAddressMetric }] },
    { ifname: 'eno2' },
  ]);
  expect(readAddresses(json)).toEqual([
    { address: '192.0.2.1', device: 'eno1', own: false },
    { address: '192.0.2.9', device: 'eno1', own: true },
    { address: '192.0.2.10', device: 'eno1', own: false },
  ]);
  expect(readWay('[{"dst":"192.0.2.9","dev":"eno1","prefsrc":"192.0.2.1","flags":[],"uid":0,"cache":[]}]')).toEqual({ device: 'eno1', gateway: null });
  expect(readWay('[{"dst":"203.0.113.9","gateway":"192.0.2.254","dev":"eno1","prefsrc":"192.0.2.1","flags":[]}]')).toEqual({ device: 'eno1', gateway: '192.0.2.254' });
  expect(readWay('[{"type":"local","dst":"192.0.2.1","dev":"lo","flags":[]}]')).toBeNull();
});

test('the kernel’s tables tell who listens at which port', () => {
  const head = '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n';
  const line = (local: string, state: string): string => `   0: ${local} 00000000:0000 ${state} 00000000:00000000 00:00000000 00000000     0        0 1 1 0 100 0 0 10 0\n`;
  const v6 = '0'.repeat(32);
  expect(readListeners('tcp', head + line('00000000:0016', '0A') + line('3500007F:0035', '0A') + line('0100007F:1F90', '01'))).toEqual([
    { transport: 'tcp', port: 22, address: null },
    { transport: 'tcp', port: 53, address: '127.0.0.53' },
  ]);
  expect(readListeners('tcp', head + line(`${v6}:01BB`, '0A') + line('0000000000000000FFFF00000A0200C0:0050', '0A') + line('B80D0120000000000000000001000000:0051', '0A'))).toEqual([
    { transport: 'tcp', port: 443, address: null },
    { transport: 'tcp', port: 80, address: '192.0.2.10' },
  ]);
  expect(readListeners('udp', head + line('00000000:0043', '07') + line('00000000:0044', '01'))).toEqual([{ transport: 'udp', port: 67, address: null }]);
});
