import { setTimeout as delay } from 'node:timers/promises';

export interface Convergence {
  /** From the end of the last fault to the first of two looks in a row without differences; null when it never came. */
  readonly seconds: number | null;
  /** What was still different when the time was over. */
  readonly late: readonly string[];
}

const everyMs = 400;
/** A slow site is told from a stuck one by going on to look for so long. */
const stuckAfterMs = 5 * 60_000;

/**
 * Looks until a site is at rest and whole. Two looks in a row: what is read of several hosts one after the other
 * may look whole by chance while something still moves.
 *
 * @param onLate told once, when the time is over and there are still differences
 * @param look the differences there are now; throws while it cannot be told (a host or the database does not answer)
 */
export async function converge(
  sinceMs: number,
  withinMs: number,
  look: () => Promise<readonly string[]>,
  onLate: (differences: readonly string[]) => void = () => undefined,
): Promise<Convergence> {
  let late: readonly string[] = [];
  let wholeSinceMs: number | null = null;
  for (;;) {
    const differences = await look().catch((error: unknown) => [error instanceof Error ? error.message : String(error)]);
    // When it was seen, not when somebody began to look: a look may take long.
    const atMs = performance.now();
    if (differences.length === 0) {
      if (wholeSinceMs !== null) return { seconds: (wholeSinceMs - sinceMs) / 1000, late };
      wholeSinceMs = atMs;
    } else {
      wholeSinceMs = null;
      if (late.length === 0 && atMs - sinceMs > withinMs) {
        late = differences;
        onLate(late);
      }
    }
    if (atMs - sinceMs > stuckAfterMs) return { seconds: null, late: differences };
    await delay(everyMs);
  }
}
