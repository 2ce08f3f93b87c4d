import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LabClock } from './lab-clock';

let home: string;
beforeEach(async () => (home = await mkdtemp(join(tmpdir(), 'lab-clock-'))));
afterEach(() => rm(home, { recursive: true }));

test('what the lab slept adds up, stands in the file as a number, and is known to the next run', async () => {
  const clock = new LabClock(join(home, 'time', 'slept'));
  await clock.open();
  expect(await readFile(clock.file, 'utf8')).toBe('0');
  await clock.sleep(1000);
  await clock.sleep(500);
  expect(await readFile(clock.file, 'utf8')).toBe('1500');
  expect(await readdir(join(home, 'time'))).toEqual(['slept']);
  const next = new LabClock(clock.file);
  await next.open();
  await next.sleep(1);
  expect(await readFile(clock.file, 'utf8')).toBe('1501');
});

test('the lab sleeps until a moment, and not at all when that is over', async () => {
  const clock = new LabClock(join(home, 'slept'));
  await clock.open();
  const tomorrow = new Date(Date.now() + 86_400_000);
  await clock.sleepUntil(tomorrow);
  expect(Math.abs(clock.now() - tomorrow.getTime())).toBeLessThan(1000);
  const slept = await readFile(clock.file, 'utf8');
  await clock.sleepUntil(new Date());
  expect(await readFile(clock.file, 'utf8')).toBe(slept);
});

test.each([-1, Number.NaN, Number.POSITIVE_INFINITY])('the clock is not set by %p', async (ms) => {
  await expect(new LabClock(join(home, 'slept')).sleep(ms)).rejects.toThrow(/never goes back/);
});
