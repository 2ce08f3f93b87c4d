import { readFileSync, statSync } from 'node:fs';
import { uptime } from 'node:os';
import { sleptClock, type Clock } from '@paravcl/shared/clock';
import { parseJson } from '@paravcl/shared/parse-json';
import type { Logger } from 'pino';
import { z } from 'zod';

/** The clocks of one host. */
export interface HostClock extends Clock {
  /** Milliseconds since the host's boot, its sleep included (CLOCK_BOOTTIME). */
  uptimeMs(): number;
}

/** The file is looked at no more often than this. */
const lookEveryMs = 20;

/**
 * The host's clocks, ahead by what the lab "slept" when `PARAVCL_LAB_CLOCK` names a lab clock: a file with one
 * JSON number, milliseconds, that a test moves (by rename; missing: 0). Everybody slept: the wall clock and the
 * clock since boot have moved, durations and timers have not.
 */
export function hostClock(base: Clock, env: Readonly<Record<string, string | undefined>>, log: Logger): HostClock {
  const path = env['PARAVCL_LAB_CLOCK'];
  if (path === undefined || path === '') return { now: () => base.now(), monotonicMs: () => base.monotonicMs(), after: (delayMs, run) => base.after(delayMs, run), uptimeMs: () => uptime() * 1000 };
  log.warn({ file: path }, 'PARAVCL_LAB_CLOCK is set: the clocks of this agent are moved by that file. This is for tests; the ends of instances are not those of the wall clock');
  const sleptMs = sleptMsOf(path, base);
  return { ...sleptClock(base, sleptMs), uptimeMs: () => uptime() * 1000 + sleptMs() };
}

/** Reads the lab clock when the file has changed. What cannot be read leaves the last value. */
function sleptMsOf(path: string, base: Clock): () => number {
  let slept = 0;
  let seen = '';
  let lookedAtMs = -Infinity;
  return () => {
    const nowMs = base.monotonicMs();
    if (nowMs - lookedAtMs < lookEveryMs) return slept;
    lookedAtMs = nowMs;
    try {
      const file = statSync(path, { throwIfNoEntry: false });
      const version = file === undefined ? 'missing' : `${file.mtimeMs} ${file.ino}`;
      if (version === seen) return slept;
      slept = file === undefined ? 0 : z.number().parse(parseJson(readFileSync(path, 'utf8')));
      seen = version;
    } catch {
      // It is being moved or is no number: the next look may read it.
    }
    return slept;
  };
}
