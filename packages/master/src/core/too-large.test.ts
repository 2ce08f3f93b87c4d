import { room } from './small-world.model';
import { largeEnoughFor } from './too-large';

const pool = [room(8, { diskMiB: 50_000, bandwidthMbps: 1000 }), room(4, { ramMiB: 32_768, diskMiB: 20_000, bandwidthMbps: 100 })];

test('what is needed stands beside the most that any slave has of it', () => {
  expect(largeEnoughFor(room(9), pool)).toBe('large enough for 9 cores, 9216 MiB of RAM and 18432 MiB of disk with saved RAM; the largest have 8 cores, 32768 MiB and 50000 MiB');
});

test('a link is named where a share of it was asked for', () => {
  expect(largeEnoughFor(room(1, { bandwidthMbps: 100_000 }), pool)).toBe(
    'large enough for 1 core, 1024 MiB of RAM, 2048 MiB of disk with saved RAM and 100000 Mbit/s; the largest have 8 cores, 32768 MiB, 50000 MiB and 1000 Mbit/s',
  );
});

test('a home volume is named as the part of the disk that it is', () => {
  expect(largeEnoughFor(room(1, { diskMiB: 60_000 }), pool, 58_976)).toBe('large enough for 1 core, 1024 MiB of RAM and 60000 MiB of disk with saved RAM (58976 MiB of them for the home volume); the largest have 8 cores, 32768 MiB and 50000 MiB');
});

test('where there is no slave the largest have nothing', () => {
  expect(largeEnoughFor(room(1), [])).toMatch(/; the largest have 0 cores, 0 MiB and 0 MiB$/);
});
