import type { Clock } from '@paravcl/shared/clock';

const firstWaitMs = 1000;
const longestWaitMs = 30_000;

/**
 * Writes what must come to be in the books, again and again while the database takes nothing; every failure is told. Gives up only when the
 * master ends: what it finds unfinished when it starts is its business then. `write` may have been done in full before it fails.
 */
export async function untilWritten(write: () => Promise<void>, { clock, signal, onFault }: { readonly clock: Clock; readonly signal: AbortSignal; readonly onFault: (error: unknown) => void }): Promise<void> {
  for (let waitMs = firstWaitMs; ; waitMs = Math.min(2 * waitMs, longestWaitMs)) {
    try {
      await write();
      return;
    } catch (error) {
      onFault(error);
    }
    if (signal.aborted) return;
    await pause(clock, waitMs, signal);
    if (signal.aborted) return;
  }
}

function pause(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      cancel();
      signal.removeEventListener('abort', end);
      resolve();
    };
    const cancel = clock.after(delayMs, end);
    signal.addEventListener('abort', end, { once: true });
  });
}
