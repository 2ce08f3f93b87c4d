import fc from 'fast-check';
import { chooseAddress, dialRefusal, plainAddress, portRefusal, type DialRules } from './install-network';

const rules: DialRules = { networks: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7'], ports: [22], ownAddresses: ['10.0.0.1', 'fd00::1'] };

test.each(['10.0.0.7', '172.31.255.255', '192.168.4.4', 'fd12:3456::7', '::ffff:10.0.0.7'])('%s is in the networks', (address) => {
  expect(dialRefusal(address, rules)).toBeNull();
});

test.each(['8.8.8.8', '172.32.0.1', '2001:db8::1', '::ffff:8.8.8.8', '11.0.0.0'])('%s is in none of them, and the sentence names the way out', (address) => {
  expect(dialRefusal(address, rules)).toMatch(/in none of the networks .* hostInstalls\.networks/);
});

const everything: DialRules = { ...rules, networks: ['0.0.0.0/0', '::/0'] };
test.each(['127.0.0.1', '127.8.9.1', '169.254.169.254', '224.0.0.1', '255.255.255.255', '0.0.0.0', '::', '::1', 'fe80::1', 'fe80::1%eth0', 'ff02::1', '::ffff:127.0.0.1', '::ffff:a9fe:a9fe', '::127.0.0.1', '64:ff9b::7f00:1', '2002:7f00:1::', '10.0.0.1', 'fd00::1', '::ffff:10.0.0.1'])('%s is not dialled, though a network of the list holds it', (address) => {
  expect(dialRefusal(address, everything)).toContain('naming exactly this address');
});

test.each([['127.0.0.1', '127.0.0.1/32'], ['127.0.0.1', '127.0.0.1'], ['::1', '::1/128'], ['10.0.0.1', '10.0.0.1/32'], ['::ffff:127.0.0.1', '127.0.0.1/32']])('%s is dialled where the list names exactly that: %s', (address, network) => {
  expect(dialRefusal(address, { ...rules, networks: [network] })).toBeNull();
  expect(dialRefusal('127.0.0.2', { ...rules, networks: [network] })).not.toBeNull();
});

test('another port than those of the list is refused', () => {
  expect(portRefusal(3306, rules)).toBe('The master logs in at port 22 only, not at port 3306. Whoever runs it can add the port to hostInstalls.ports.');
});

test('what is no address is refused', () => {
  for (const text of ['', 'host', '1.2.3', '1.2.3.256', ':::', '1::2::3', '1:2:3:4:5:6:7', 'g::1', '::1.2.3', '0x7f.0.0.1', '017.0.0.1:']) expect(dialRefusal(text, everything)).toContain('no address');
});

test('of what a name leads to the first that may be dialled is taken, and it is an address as it was judged', () => {
  expect(chooseAddress(['127.0.0.1', '::ffff:10.0.0.7', '10.0.0.8'], rules)).toEqual({ address: '10.0.0.7' });
  expect(chooseAddress(['127.0.0.1', '8.8.8.8'], rules)).toEqual({ refusal: expect.stringContaining('127.0.0.1 is a loopback address') as string });
  expect(chooseAddress([], rules)).toEqual({ refusal: 'The name leads to no address.' });
});

test('no writing of a loopback or link-local IPv4 address in IPv6 gets past the list', () => {
  fc.assert(
    fc.property(fc.constantFrom([127, 0, 0, 1], [169, 254, 169, 254], [10, 0, 0, 1]), fc.boolean(), fc.boolean(), (octets, upper, dotted) => {
      const [a = 0, b = 0, c = 0, d = 0] = octets;
      const text = dotted ? `::ffff:${octets.join('.')}` : `0:0:0:0:0:ffff:${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
      expect(dialRefusal(upper ? text.toUpperCase() : text, everything)).not.toBeNull();
      expect(plainAddress(text)).toBe(octets.join('.'));
    }),
  );
});
