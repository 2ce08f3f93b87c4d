import { originOf } from './origin-of';

test('a /64 of IPv6 is one origin, an IPv4 address one of its own', () => {
  expect(originOf('2001:db8::1')).toBe(originOf('2001:db8:0:0:ffff::2'));
  expect(originOf('10.0.0.1')).not.toBe(originOf('10.0.0.2'));
});
