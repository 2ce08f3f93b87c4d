import { allowList } from './fabric-allow-list';

test.each([
  ['127.0.0.1', true], ['127.0.0.2', false], ['10.1.2.3', true], ['10.2.0.0', false], ['192.0.2.7', true], ['192.0.2.8', false],
  ['::1', true], ['::2', false], ['2001:db8::5', true], ['2001:db9::5', false], ['fe80::1%eth0', true],
  ['', false], ['unknown', false], ['127.0.0.1, 8.8.8.8', false], ['0x7f000001', false], ['010.1.2.3', false],
])('%s is allowed: %s', (address, allowed) => {
  expect(allowList(['127.0.0.1/32', '10.1.0.0/16', '192.0.2.7', '::1/128', '2001:db8::/32', 'fe80::/10'])(address)).toBe(allowed);
});

test('of no entries nobody is', () => {
  expect(allowList([])('127.0.0.1')).toBe(false);
});
