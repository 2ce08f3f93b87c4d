import { tellSize } from './tell-size';

test.each([
  [0, '0 bytes'], [1, '1 byte'], [512, '512 bytes'], [999, '999 bytes'], [1000, '1 kB'], [65_536, '66 kB'], [999_499, '999 kB'], [999_500, '1 MB'],
  [1_250_000, '1.3 MB'], [9_949_999, '9.9 MB'], [9_950_000, '10 MB'], [84_000_000, '84 MB'], [9_600_000_000, '9.6 GB'], [4_398_046_511_104, '4.4 TB'], [2e15, '2000 TB'],
])('%d bytes are told as %s', (bytes, told) => {
  expect(tellSize(bytes)).toBe(told);
});
