import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { uptime, tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import { HandClock } from '../test/fixtures/hand-clock';
import { hostClock } from './lab-clock';

const said: string[] = [];
const log = pino({ level: 'warn' }, { write: (line: string) => void said.push(line) });
let directory: string;
beforeEach(async () => {
  said.length = 0;
  directory = await mkdtemp(join(tmpdir(), 'lab-clock-'));
});
afterEach(() => rm(directory, { recursive: true }));

test('without a lab clock the host’s own clocks are used, and nothing is said', () => {
  const base = new HandClock();
  const clock = hostClock(base, {}, log);
  expect(clock.now()).toBe(base.now());
  expect(Math.abs(clock.uptimeMs() - uptime() * 1000)).toBeLessThan(1000);
  expect(said).toEqual([]);
});

test('a lab clock moves the wall clock and the clock since boot, not the durations, and is said loudly', async () => {
  const base = new HandClock();
  const file = join(directory, 'clock');
  const sleepTo = async (text: string): Promise<void> => {
    await writeFile(`${file}.new`, text);
    await rename(`${file}.new`, file);
    await base.advance(20);
  };
  const clock = hostClock(base, { PARAVCL_LAB_CLOCK: file }, log);
  expect(said.join()).toContain('PARAVCL_LAB_CLOCK is set');
  expect(clock.now()).toBe(base.now());
  await sleepTo('{"sleptMs":3600000,"wrongMs":0}');
  expect(clock.now()).toBe(base.now() + 3600_000);
  expect(clock.monotonicMs()).toBe(base.monotonicMs());
  expect(Math.abs(clock.uptimeMs() - uptime() * 1000 - 3600_000)).toBeLessThan(1000);
  await sleepTo('not a time');
  expect(clock.now()).toBe(base.now() + 3600_000);
  await rm(file);
  await base.advance(20);
  expect(clock.now()).toBe(base.now());
});

test('a wall clock that is wrong moves neither the clock since boot nor the durations', async () => {
  const base = new HandClock();
  const file = join(directory, 'clock');
  await writeFile(file, '{"sleptMs":1000,"wrongMs":-7200000}');
  const clock = hostClock(base, { PARAVCL_LAB_CLOCK: file }, log);
  expect(clock.now()).toBe(base.now() + 1000 - 7_200_000);
  expect(clock.monotonicMs()).toBe(base.monotonicMs());
  expect(Math.abs(clock.uptimeMs() - uptime() * 1000 - 1000)).toBeLessThan(1000);
});
