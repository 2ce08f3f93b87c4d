import { clockAheadMs, issuedBetween, percentile, readGuestWrite } from './guest-writes';

test('a line of the guest tells of a write, any other line of none', () => {
  expect(readGuestWrite('w 12000 350\r')).toEqual({ issuedUs: 12_000, latencyUs: 350 });
  for (const line of ['up', 'w 12000', 'w 1 2 3', '[    1.0] w 1 2']) expect(readGuestWrite(line)).toBeNull();
});

test('the clocks differ by what the quickest word says, and writes are placed by it', () => {
  const writes = [
    { issuedUs: 1_000_000, latencyUs: 1000, seenAtMs: 6009 },
    { issuedUs: 1_002_000, latencyUs: 1000, seenAtMs: 6003.5 },
    { issuedUs: 1_004_000, latencyUs: 80_000, seenAtMs: 6190 },
  ];
  const aheadMs = clockAheadMs(writes);
  expect(aheadMs).toBe(5000.5);
  expect(issuedBetween(writes, 6001, 6004.5, aheadMs)).toEqual(writes.slice(1));
  expect(issuedBetween(writes, 6000.5, 6000.5, aheadMs)).toEqual(writes.slice(0, 1));
  expect(() => clockAheadMs([])).toThrow('nothing was heard');
});

test('of a hundred values the 99th is the percentile of 0.99, and of one the only one', () => {
  const hundred = Array.from({ length: 100 }, (_, index) => 100 - index);
  expect(percentile(hundred, 0.99)).toBe(99);
  expect(percentile(hundred, 0.5)).toBe(50);
  expect(percentile([7], 0.99)).toBe(7);
  expect(() => percentile([], 0.99)).toThrow('at least one');
});
