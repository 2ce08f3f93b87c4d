import { setTimeout as pause } from 'node:timers/promises';

const patienceMs = 10_000;

/** Waits until the condition answers something other than false, null or undefined, and answers that. */
export async function eventually<T>(what: string, condition: () => T | Promise<T>): Promise<Exclude<T, false | null | undefined>> {
  const end = performance.now() + patienceMs;
  for (;;) {
    const value = await condition();
    if (value !== false && value !== null && value !== undefined) return value as Exclude<T, false | null | undefined>;
    if (performance.now() > end) throw new Error(`Not within ${patienceMs} ms: ${what}`);
    await pause(5);
  }
}
