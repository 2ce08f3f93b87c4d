/** Milliseconds since 1970-01-01T00:00:00Z. */
export type EpochMs = number;

/** Stops a timer set by `Clock.after`; harmless when it has already fired. */
export type Cancel = () => void;

/**
 * Time as the daemons see it. Injected everywhere instead of `Date.now()` and `setTimeout`,
 * so that tests can stand at "tomorrow 09:00" and deadlines can be tested without waiting.
 */
export interface Clock {
  /** Wall-clock time; may jump when an administrator or NTP sets it. */
  now(): EpochMs;
  /** Time that never jumps back, for durations and deadlines; its zero has no meaning. */
  monotonicMs(): number;
  /** Runs `run` once after `delayMs`. A timer never keeps the process alive by itself. */
  after(delayMs: number, run: () => void): Cancel;
}

/** The machine's own clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
  after: (delayMs, run) => {
    const timer = setTimeout(run, delayMs);
    timer.unref();
    return () => clearTimeout(timer);
  },
};

/**
 * `base` with a wall clock that differs by `offsetMs()` (below 0: it is behind), while durations and timers are those of
 * `base`: after a sleep, as CLOCK_MONOTONIC stands still while a machine sleeps, or on a host whose time of day is wrong.
 * So a test can stand at "tomorrow 09:00" on real hosts without anybody missing a heartbeat.
 */
export function shiftedClock(base: Clock, offsetMs: () => number): Clock {
  return { now: () => base.now() + offsetMs(), monotonicMs: () => base.monotonicMs(), after: (delayMs, run) => base.after(delayMs, run) };
}

/** Resolves after `delayMs` of the given clock. */
export function sleep(clock: Clock, delayMs: number): Promise<void> {
  return new Promise((resolve) => clock.after(delayMs, resolve));
}
