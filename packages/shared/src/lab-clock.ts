import { z } from 'zod';
import { shiftedClock, type Clock } from './clock';
import { parseJson } from './parse-json';

/** Names the file with which a test lab moves the clocks of all its daemons. */
export const labClockVariable = 'PARAVCL_LAB_CLOCK';

/** A daemon looks at its file at most this often: so long after it was replaced nobody goes by the one before. */
export const labClockLookMs = 20;

/** What stands in such a file. */
export const labTimeSchema = z.object({ sleptMs: z.number().nonnegative(), wrongMs: z.number() }).readonly();

/**
 * By how much the clocks of one daemon's host differ from the machine's, in milliseconds: what the whole lab slept, which
 * moved the time of day and the clock since boot, and by how much the time of day is wrong there besides (below 0: behind).
 */
export type LabTime = z.infer<typeof labTimeSchema>;

const ownTime: LabTime = { sleptMs: 0, wrongMs: 0 };

/** The file of a lab clock: a `LabTime` as JSON; replaced by renaming. */
export interface LabClockFile {
  /** Another text whenever the file was replaced; null when there is none, which is the machine's own time. */
  version(): string | null;
  read(): string;
}

/**
 * The time of the lab, looked at again at most every 20 ms and read when the file is another one. What cannot be
 * read leaves the last value: the lab stays where it was rather than falling back in time. It is told of once for each
 * file, and tried again at every look, for the cause may pass.
 */
export function followedLabTime(file: LabClockFile, base: Pick<Clock, 'monotonicMs'>, onFault: (error: unknown) => void): () => LabTime {
  let time = ownTime;
  /** The file that `time` is of. */
  let seen: string | null = null;
  /** The last look failed, and this was found; undefined when not even that could be. */
  let fault: { readonly of: string | null | undefined } | null = null;
  let lookAtMs = -Infinity;
  return () => {
    const nowMs = base.monotonicMs();
    if (nowMs < lookAtMs) return time;
    lookAtMs = nowMs + labClockLookMs;
    let found: string | null | undefined;
    try {
      found = file.version();
      if (found !== seen) time = found === null ? ownTime : labTimeSchema.parse(parseJson(file.read()));
      seen = found;
      fault = null;
    } catch (error) {
      const told = fault !== null && fault.of === found;
      fault = { of: found };
      if (!told) onFault(error);
    }
    return time;
  };
}

/** `base` on a host of a lab with that time. */
export function labTimeClock(base: Clock, time: () => LabTime): Clock {
  return shiftedClock(base, () => time().sleptMs + time().wrongMs);
}
