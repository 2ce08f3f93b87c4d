import type { Clock } from '@paravcl/shared/clock';
import { followedLabTime, labTimeClock } from '@paravcl/shared/lab-clock';
import { readFileSync, statSync } from 'node:fs';

/** `base` in a lab that "slept" for as long as `file` says. */
export function labClock(file: string, base: Clock, onFault: (error: unknown) => void): Clock {
  const version = (): string | null => {
    const stat = statSync(file, { bigint: true, throwIfNoEntry: false });
    return stat === undefined ? null : `${stat.ino} ${stat.mtimeNs}`;
  };
  return labTimeClock(base, followedLabTime({ version, read: () => readFileSync(file, 'utf8') }, base, onFault));
}
