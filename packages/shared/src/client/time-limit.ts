/**
 * Does work under a signal that is aborted after so many milliseconds (with a TimeoutError), or when the caller's is. Timer and controller are held
 * here until the work has ended: a signal that AbortSignal.any made of them may be collected before it fires, and the limit with it.
 */
export async function withinTime<Answer>(ms: number, callers: AbortSignal | undefined, work: (signal: AbortSignal) => Promise<Answer>): Promise<Answer> {
  const either = new AbortController();
  const giveUp = (): void => either.abort(callers?.reason);
  if (callers?.aborted === true) giveUp();
  callers?.addEventListener('abort', giveUp, { once: true });
  const timer = setTimeout(() => either.abort(new DOMException(`Nothing came within ${String(ms / 1000)} s.`, 'TimeoutError')), ms);
  try {
    return await work(either.signal);
  } finally {
    clearTimeout(timer);
    callers?.removeEventListener('abort', giveUp);
  }
}
