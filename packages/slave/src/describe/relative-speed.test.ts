import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { benchmarkRound, measureRelativeSpeed, referenceRoundMs, relativeSpeed } from './relative-speed';

/** A clock that each round moves by the next of `tookMs`. */
function machine(tookMs: readonly number[]) {
  let now = 0;
  let at = 0;
  return { monotonicMs: () => now, round: () => (now += tookMs[at++ % tookMs.length] ?? 0), rounds: () => at };
}

describe('measuring speed', () => {
  it('is 1 on the reference machine and 2 on one twice as fast', () => {
    for (const factor of [1, 2]) {
      const host = machine([referenceRoundMs / factor]);
      expect(measureRelativeSpeed(host.monotonicMs, host.round)).toBe(factor);
    }
  });

  it('is not moved by all rounds but one that were interrupted', () => {
    const host = machine([referenceRoundMs * 3, referenceRoundMs * 3, referenceRoundMs, referenceRoundMs * 3]);
    expect(measureRelativeSpeed(host.monotonicMs, host.round)).toBe(1);
  });

  it('begins no round after its budget on a slow machine', () => {
    const host = machine([70]);
    measureRelativeSpeed(host.monotonicMs, host.round);
    expect(host.rounds()).toBe(1 + 2);
  });

  it('does the same work every time', () => {
    expect(benchmarkRound()).toBe(benchmarkRound());
  });
});

describe('the kept speed', () => {
  let directory: string;
  beforeEach(() => (directory = mkdtempSync(join(tmpdir(), 'paravcl-speed-'))));
  afterEach(() => rmSync(directory, { recursive: true }));

  it('is measured once for a CPU model and again for another', async () => {
    const file = join(directory, 'state/speed.json');
    let measured = 0;
    const measure = () => ++measured;
    expect(await relativeSpeed(file, 'A', measure)).toBe(1);
    expect(await relativeSpeed(file, 'A', measure)).toBe(1);
    expect(await relativeSpeed(file, 'B', measure)).toBe(2);
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual({ version: 2, cpuModel: 'B', relativeSpeed: 2 });
  });

  it('is measured anew when the file is torn, and told when it cannot be written', async () => {
    const file = join(directory, 'speed.json');
    writeFileSync(file, '{"version":2,"cpuMod');
    expect(await relativeSpeed(file, 'A', () => 3)).toBe(3);
    expect(await relativeSpeed(join(file, 'below-a-file.json'), 'A', () => 4)).toBe(4);
  });
});
