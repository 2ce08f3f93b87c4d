import { countedAddress } from './client-address';

test.each([
  ['10.0.0.7', '10.0.0.7'], ['unknown', 'unknown'], ['::1', '0:0:0:0::/64'], ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'], ['2001:DB8:1:2::ffff', '2001:db8:1:2::/64'],
  ['2001:db8::9', '2001:db8:0:0::/64'], ['fe80::1%eth0', 'fe80:0:0:0::/64'], ['64:ff9b::10.0.0.1', '64:ff9b:0:0::/64'],
])('%s is counted under %s', (address, counted) => {
  expect(countedAddress(address)).toBe(counted);
});
