import { readFileSync, statSync } from 'node:fs';
import { uptime } from 'node:os';
import type { Clock } from '@paravcl/shared/clock';
import { followedLabTime, labClockVariable, labTimeClock } from '@paravcl/shared/lab-clock';
import type { Logger } from 'pino';

/** The clocks of one host. */
export interface HostClock extends Clock {
  /** Milliseconds since the host's boot, its sleep included (CLOCK_BOOTTIME). */
  uptimeMs(): number;
}

/**
 * The host's clocks, ahead by what the lab "slept" when `PARAVCL_LAB_CLOCK` names a lab clock: a file
 * that a test moves (by rename; missing: the host's own time). Everybody slept: the wall clock and the clock since
 * boot have moved, durations and timers have not. A wall clock that is wrong besides moves nothing else.
 */
export function hostClock(base: Clock, env: Readonly<Record<string, string | undefined>>, log: Logger): HostClock {
  const path = env[labClockVariable];
  if (path === undefined || path === '') return { now: () => base.now(), monotonicMs: () => base.monotonicMs(), after: (delayMs, run) => base.after(delayMs, run), uptimeMs: () => uptime() * 1000 };
  log.warn({ file: path }, 'PARAVCL_LAB_CLOCK is set: the clocks of this agent are moved by that file. This is for tests; the ends of instances are not those of the wall clock');
  const version = (): string | null => {
    const stat = statSync(path, { bigint: true, throwIfNoEntry: false });
    return stat === undefined ? null : `${stat.ino} ${stat.mtimeNs}`;
  };
  const time = followedLabTime({ version, read: () => readFileSync(path, 'utf8') }, base, (err) => log.warn({ err, file: path }, 'the lab clock cannot be read: it stays where it was'));
  return { ...labTimeClock(base, time), uptimeMs: () => uptime() * 1000 + time().sleptMs };
}
