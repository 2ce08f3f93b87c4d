import { dhcpRelease } from './dhcp-release';

it('gives a lease back in the guest’s name (RFC 2131, table 5)', () => {
  const packet = dhcpRelease('00:16:3e:00:00:01', '10.90.0.10', '10.90.0.1');
  expect(packet.subarray(0, 4).toString('hex')).toBe('01010600');
  expect(packet.subarray(12, 16).join('.')).toBe('10.90.0.10');
  expect(packet.subarray(28, 34).toString('hex')).toBe('00163e000001');
  // Magic cookie, message type 7, server identifier, end.
  expect(packet.subarray(236, 250).toString('hex')).toBe('638253633501073604' + '0a5a0001' + 'ff');
  expect(packet.length).toBeGreaterThanOrEqual(298);
});
