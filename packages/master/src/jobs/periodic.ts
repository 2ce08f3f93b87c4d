import type { Cancel, Clock } from '@paravcl/shared/clock';

/** A job that does one round of its work when asked. */
export interface Job {
  /** `onFault` is for what goes wrong with one item and must not keep the others waiting. */
  run(onFault: (error: unknown) => void): Promise<unknown>;
}

/** Stops repeating; answers when the round that runs is over. */
export type StopRepeating = () => Promise<void>;

/**
 * Runs a job now and then every `everyMs` after its last round's end, so rounds never overlap. A round that
 * fails is reported and the next one is made all the same.
 */
export function repeat(job: Job, everyMs: number, clock: Clock, onFault: (error: unknown) => void): StopRepeating {
  let cancel: Cancel = () => undefined;
  let stopped = false;
  let round: Promise<void> = Promise.resolve();
  const next = (): void => {
    round = job
      .run(onFault)
      .then(() => undefined, onFault)
      .then(() => {
        if (!stopped) cancel = clock.after(everyMs, next);
      });
  };
  next();
  return async () => {
    stopped = true;
    cancel();
    await round;
  };
}
