import { setTimeout as delay } from 'node:timers/promises';

/**
 * Asks `look` until it answers something other than undefined, and returns that. Throws after
 * `timeoutMs`, saying what was waited for and, when `state` is given, what was there instead.
 */
export async function eventually<T>(
  what: string,
  timeoutMs: number,
  look: () => Promise<T | undefined> | T | undefined,
  options: { readonly everyMs?: number; readonly state?: () => string } = {},
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const seen = await look();
    if (seen !== undefined) return seen;
    if (performance.now() > deadline) {
      const instead = options.state === undefined ? '' : ` Last seen: ${options.state()}.`;
      throw new Error(`Waited ${timeoutMs / 1000} s for ${what}.${instead}`);
    }
    await delay(options.everyMs ?? 50);
  }
}
