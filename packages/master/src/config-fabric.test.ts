import { fabricOptions } from './config-fabric';

const faults = (options: object): readonly string[] => (fabricOptions.safeParse(options).error?.issues ?? []).map(({ path, message }) => `${path.join('.')}: ${message}`);

test('it is off, and once it is on it answers API tokens, and nobody else before a user is named', () => {
  expect(fabricOptions.parse(undefined)).toEqual({ enabled: false, allow: ['127.0.0.1/32', '::1/128'], user: null, behindProxy: false, requestsPerMinute: 600 });
});

test('addresses and networks of both families are taken', () => {
  const allow = ['10.0.0.7', '10.0.0.0/24', '2001:db8::1', 'fc00::/7'];
  expect(fabricOptions.parse({ allow }).allow).toEqual(allow);
});

test.each(['lab.example', '10.0.0', '10.0.0.0/33', '10.0.0.0/', '::1/129', '', '10.0.0.1-10.0.0.9'])('“%s” is no address and no network', (written) => {
  expect(faults({ allow: [written] })).toEqual([expect.stringMatching(/^allow\.0: must be an IP address such as 10\.0\.0\.7, or a network/)]);
});

test.each(['0.0.0.0/0', '::/0'])('%s is everybody, and refused', (written) => {
  expect(faults({ allow: [written] })).toEqual(['allow.0: must not be every address there is: name the machines that need no token']);
});

test('a pace of nothing and a user without a name are refused', () => {
  expect(faults({ requestsPerMinute: 0, user: '' }).map((fault) => fault.split(':')[0]).sort()).toEqual(['requestsPerMinute', 'user']);
});
