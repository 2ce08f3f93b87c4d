import { sleptClock, type Clock } from '@paravcl/shared/clock';
import { parseJson } from '@paravcl/shared/parse-json';
import { readFileSync, statSync } from 'node:fs';
import { z } from 'zod';

/** Names the file with which a test lab moves the clocks of all its daemons. */
export const labClockVariable = 'PARAVCL_LAB_CLOCK';

const lookEveryMs = 20;
const sleptMsSchema = z.number().nonnegative();

/**
 * `base` in a lab that "slept" for the milliseconds that `file` holds, one JSON number written by rename;
 * a file that is not there means none. The file is looked at again at most every 20 ms, and read when it changed.
 */
export function labClock(file: string, base: Clock, onFault: (error: unknown) => void): Clock {
  let sleptMs = 0;
  let seen: string | null = null;
  let lookAtMs = -Infinity;
  return sleptClock(base, () => {
    const nowMs = base.monotonicMs();
    if (nowMs < lookAtMs) return sleptMs;
    lookAtMs = nowMs + lookEveryMs;
    try {
      const stat = statSync(file, { bigint: true, throwIfNoEntry: false });
      const found = stat === undefined ? null : `${stat.ino} ${stat.mtimeNs}`;
      if (found === seen) return sleptMs;
      seen = found;
      sleptMs = found === null ? 0 : sleptMsSchema.parse(parseJson(readFileSync(file, 'utf8')));
    } catch (error) {
      // The lab stays where it was rather than falling back in time.
      onFault(error);
    }
    return sleptMs;
  });
}
