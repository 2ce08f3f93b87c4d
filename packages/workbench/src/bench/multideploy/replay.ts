import { setTimeout as delay } from 'node:timers/promises';
import type { BootTrace } from './boot-trace';

/** Where the bytes come from: an NBD export, or a test's own. */
export interface Disk {
  read(offset: number, length: number): Promise<Buffer>;
}

export interface Replayed {
  /** From the first read until the last byte is there. */
  readonly seconds: number;
  /** For each read in its order: when it was answered, ms since the begin. */
  readonly answeredAtMs: readonly number[];
  readonly wrongBytes: number;
}

/** Timers are good to about a millisecond. What one overslept shortens the next pauses, at most by so much. */
const longestDebtMs = 20;

/**
 * Reads what a boot reads, with its pauses and as many reads under way as then, and compares every byte with
 * `expected`, which answers the right bytes of read number `at`.
 */
export async function replay({ reads }: Pick<BootTrace, 'reads'>, disk: Disk, expected: (at: number) => Buffer): Promise<Replayed> {
  const begunAt = performance.now();
  const answeredAtMs = reads.map(() => 0);
  let wrongBytes = 0;
  let underWay = 0;
  let owedMs = 0;
  let fault: Error | null = null;
  let wake = (): void => undefined;
  const one = async (at: number, offset: number, length: number): Promise<void> => {
    try {
      wrongBytes += differingBytes(await disk.read(offset, length), expected(at));
      answeredAtMs[at] = performance.now() - begunAt;
    } catch (error) {
      fault ??= error as Error;
    }
    underWay -= 1;
    wake();
  };
  const untilFewer = async (than: number): Promise<void> => {
    while (underWay >= than && fault === null) await new Promise<void>((resolve) => (wake = resolve));
    if (fault !== null) throw fault as Error;
  };
  for (const [at, { thinkUs, offset, length, depth }] of reads.entries()) {
    await untilFewer(depth);
    owedMs += thinkUs / 1000;
    if (owedMs >= 1) {
      const sleptFrom = performance.now();
      await delay(owedMs);
      owedMs = Math.max(owedMs - (performance.now() - sleptFrom), -longestDebtMs);
    }
    underWay += 1;
    void one(at, offset, length);
  }
  await untilFewer(1);
  return { seconds: (performance.now() - begunAt) / 1000, answeredAtMs, wrongBytes };
}

/** A missing byte is a wrong one. */
export function differingBytes(got: Buffer, right: Buffer): number {
  if (got.equals(right)) return 0;
  let wrong = Math.abs(got.length - right.length);
  for (let at = 0; at < Math.min(got.length, right.length); at += 1) if (got[at] !== right[at]) wrong += 1;
  return wrong;
}
