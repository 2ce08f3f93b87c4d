import { mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { withLock } from './lock-file';

let directory: string;
let lock: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'paravcl-lock-'));
  lock = join(directory, 'config.lock');
});
afterEach(() => rm(directory, { recursive: true }));

it('lets one at a time work, also where the lock was left by a program that was ended', async () => {
  await writeFile(lock, 'of a program that was ended');
  const longAgo = new Date(Date.now() - 60_000);
  await utimes(lock, longAgo, longAgo);
  let inside = 0;
  let most = 0;
  await Promise.all(
    Array.from({ length: 20 }, () =>
      withLock(lock, async () => {
        inside += 1;
        most = Math.max(most, inside);
        await new Promise((done) => setImmediate(done));
        inside -= 1;
      }),
    ),
  );
  expect(most).toBe(1);
  expect(await readdir(directory)).toEqual([]);
});
