import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LabClock } from './lab-clock';

let home: string;
beforeEach(async () => (home = await mkdtemp(join(tmpdir(), 'lab-clock-'))));
afterEach(() => rm(home, { recursive: true }));

const timeIn = async (file: string): Promise<unknown> => JSON.parse(await readFile(file, 'utf8'));

test('what the lab slept adds up, stands in the file of everybody, and is known to the next run', async () => {
  const clock = new LabClock(join(home, 'clock', 'time'), ['host-1']);
  await clock.open();
  expect(await timeIn(clock.file)).toEqual({ sleptMs: 0, wrongMs: 0 });
  await clock.sleep(1000);
  await clock.sleep(500);
  expect(await timeIn(clock.file)).toEqual({ sleptMs: 1500, wrongMs: 0 });
  expect(await timeIn(clock.envOf('host-1')['PARAVCL_LAB_CLOCK'] ?? '')).toEqual({ sleptMs: 1500, wrongMs: 0 });
  expect(await readdir(join(home, 'clock'))).toEqual(['time', 'time-host-1']);
  const next = new LabClock(clock.file);
  await next.open();
  await next.sleep(1);
  expect(await timeIn(clock.file)).toEqual({ sleptMs: 1501, wrongMs: 0 });
});

test.each([
  ['cannot be read', (file: string) => mkdir(file)],
  ['holds no time', (file: string) => writeFile(file, '{"sleptMs":-5,"wrongMs":0}')],
])('a file that %s is not taken for a lab that never slept: its clock would go back', async (_, make) => {
  const clock = new LabClock(join(home, 'time'), ['host-1']);
  await make(clock.file);
  await expect(clock.open()).rejects.toThrow();
  expect(await readdir(home)).toEqual(['time']);
});

test('the time of day of one host is set wrong and right again, and nobody else’s', async () => {
  const clock = new LabClock(join(home, 'time'), ['host-1', 'host-2']);
  await clock.open();
  await clock.setWrong('host-1', -60_000);
  await clock.sleep(5);
  const times = () => Promise.all([clock.file, `${clock.file}-host-1`, `${clock.file}-host-2`].map(timeIn));
  expect(await times()).toEqual([{ sleptMs: 5, wrongMs: 0 }, { sleptMs: 5, wrongMs: -60_000 }, { sleptMs: 5, wrongMs: 0 }]);
  await clock.setWrong('host-1', 0);
  expect(await times()).toEqual([1, 2, 3].map(() => ({ sleptMs: 5, wrongMs: 0 })));
  await expect(clock.setWrong('host-3', 1)).rejects.toThrow('There is no host host-3');
});

test('the lab sleeps until a moment, and not at all when that is over', async () => {
  const clock = new LabClock(join(home, 'time'));
  await clock.open();
  const tomorrow = new Date(Date.now() + 86_400_000);
  await clock.sleepUntil(tomorrow);
  expect(Math.abs(clock.now() - tomorrow.getTime())).toBeLessThan(1000);
  const slept = await readFile(clock.file, 'utf8');
  await clock.sleepUntil(new Date());
  expect(await readFile(clock.file, 'utf8')).toBe(slept);
});

test.each([-1, Number.NaN, Number.POSITIVE_INFINITY])('the clock is not set by %p', async (ms) => {
  await expect(new LabClock(join(home, 'time')).sleep(ms)).rejects.toThrow(/never goes back/);
});
