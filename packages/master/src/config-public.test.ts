import { configSchema } from './config';

const parse = (publicAddresses: object, more: object = {}) => configSchema.safeParse({ publicAddresses, ...more });
const faults = (publicAddresses: object, more: object = {}): readonly string[] => parse(publicAddresses, more).error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`) ?? [];

test('nothing is mapped where nothing is said', () => {
  expect(configSchema.parse({}).publicAddresses).toEqual({ addresses: [], ports: null, perUser: 2 });
});

test('ranges are all of their addresses, in the order they are written in', () => {
  expect(parse({ addresses: ['203.0.113.7', '198.51.100.0/30'], ports: '40000-40009', perUser: 3 }).data?.publicAddresses).toEqual({
    addresses: ['203.0.113.7', '198.51.100.0', '198.51.100.1', '198.51.100.2', '198.51.100.3'], ports: { from: 40_000, to: 40_009 }, perUser: 3,
  });
  expect(parse({ addresses: ['198.51.0.0/22'] }).data?.publicAddresses.addresses).toHaveLength(1024);
});

test.each([
  [['lab.example'], /^publicAddresses\.addresses: lab\.example must be an IPv4 address such as/],
  [['2001:db8::1'], /must be an IPv4 address/],
  [['203.0.113.9/28'], /203\.0\.113\.9\/28 must begin at the range’s first address: 203\.0\.113\.0\/28$/],
  [['203.0.113.7', '203.0.113.7'], /203\.0\.113\.7 is named twice/],
  [['203.0.113.7', '203.0.113.0/28'], /203\.0\.113\.0\/28 and 203\.0\.113\.7 have addresses in common/],
  [['0.1.2.3'], /0\.0\.0\.0\/8, which means/],
  [['127.0.0.1'], /127\.0\.0\.0\/8, which every machine keeps/],
  [['169.254.1.1'], /169\.254\.0\.0\/16, which is not routed/],
  [['224.0.0.5'], /multicast or reserved/],
  [['255.255.255.255'], /multicast or reserved/],
  [['0.0.0.0/0'], /These are 4294967296 addresses; a pool has at most 1024/],
  [['198.51.0.0/22', '203.0.113.7'], /These are 1025 addresses; a pool has at most 1024/],
  [['10.77.3.4'], /^publicAddresses\.addresses: 10\.77\.3\.4 is in the guest network 10\.77\.0\.0\/16: public addresses are of the network outside$/],
])('the addresses %j are refused with the reason', (addresses, expected) => {
  expect(faults({ addresses })).toEqual(expect.arrayContaining([expect.stringMatching(expected)]));
});

test('an address beside the guest network is taken, wherever that lies', () => {
  expect(faults({ addresses: ['10.77.3.4'] }, { network: { cidr: '10.78.0.0/16' } })).toEqual([]);
});

test.each([
  ['80-90', /^publicAddresses\.ports: must begin at 1024 or above/],
  ['40000-70000', /must end at 65535 or below/],
  ['40009-40000', /must not end before it begins/],
  ['40000', /must be a range of ports such as "40000-40999"/],
  [40_000, /must be a range of ports in quotes/],
])('the ports %j are refused with the reason', (ports, expected) => {
  expect(faults({ ports })).toEqual(expect.arrayContaining([expect.stringMatching(expected)]));
});
