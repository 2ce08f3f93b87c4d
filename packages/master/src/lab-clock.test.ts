import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '@paravcl/shared/clock';
import { labClock } from './lab-clock';

const directory = mkdtempSync(join(tmpdir(), 'paravcl-lab-clock-'));
const file = join(directory, 'time');
afterAll(() => rmSync(directory, { recursive: true }));

const hour = 3_600_000;
const slept = (sleptMs: number): string => JSON.stringify({ sleptMs, wrongMs: 0 });
let monotonicMs = 0;
const base: Clock = { now: () => 1000, monotonicMs: () => monotonicMs, after: () => () => undefined };
const faults: unknown[] = [];

function write(text: string): void {
  writeFileSync(`${file}.new`, text);
  renameSync(`${file}.new`, file);
  monotonicMs += 20;
}

test('the wall clock is ahead by what the lab slept, and durations are not', () => {
  const clock = labClock(file, base, (error) => faults.push(error));
  expect(clock.now()).toBe(1000);
  write(slept(hour));
  expect(clock.now()).toBe(1000 + hour);
  write(slept(2 * hour));
  expect([clock.now(), clock.monotonicMs()]).toEqual([1000 + 2 * hour, monotonicMs]);
});

test('a file that holds no time leaves the clock where it was, and is told', () => {
  const clock = labClock(file, base, (error) => faults.push(error));
  write(slept(hour));
  expect(clock.now()).toBe(1000 + hour);
  for (const text of ['tomorrow', '-5', slept(-5)]) {
    write(text);
    expect(clock.now()).toBe(1000 + hour);
  }
  expect(faults).toHaveLength(3);
  write(slept(3 * hour));
  expect(clock.now()).toBe(1000 + 3 * hour);
});
