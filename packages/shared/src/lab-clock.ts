import { z } from 'zod';
import type { Clock } from './clock';
import { parseJson } from './parse-json';

/** Names the file with which a test lab moves the clocks of all its daemons. */
export const labClockVariable = 'PARAVCL_LAB_CLOCK';

const lookEveryMs = 20;
const sleptMsSchema = z.number().nonnegative();

/** The file of a lab clock: one JSON number, the milliseconds that the lab "slept"; replaced by renaming. */
export interface LabClockFile {
  /** Another text whenever the file was replaced; null when there is none, which is no sleep. */
  version(): string | null;
  read(): string;
}

/**
 * What the lab has slept, looked at again at most every 20 ms and read when the file is another one. What cannot be
 * read is told of and leaves the last value: the lab stays where it was rather than falling back in time.
 */
export function followedSleepMs(file: LabClockFile, base: Pick<Clock, 'monotonicMs'>, onFault: (error: unknown) => void): () => number {
  let sleptMs = 0;
  let seen: string | null = null;
  let lookAtMs = -Infinity;
  return () => {
    const nowMs = base.monotonicMs();
    if (nowMs < lookAtMs) return sleptMs;
    lookAtMs = nowMs + lookEveryMs;
    try {
      const found = file.version();
      if (found === seen) return sleptMs;
      seen = found;
      sleptMs = found === null ? 0 : sleptMsSchema.parse(parseJson(file.read()));
    } catch (error) {
      onFault(error);
    }
    return sleptMs;
  };
}
