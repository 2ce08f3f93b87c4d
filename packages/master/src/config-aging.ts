import { z } from 'zod';
import { count } from './config-values';

/** Null or 0: never. */
const days = count(0, 36_500).nullable();

/** How long instances may lie unused before they go into the recycle bin, and how long they lie there. */
export const agingOptions = z
  .strictObject({
    /** Saved with everything open. */
    suspendedDays: days.default(60),
    /** Off, or failed with its disk kept. */
    stoppedDays: days.default(90),
    /** So long before, its owner is told; never: only when it went in. */
    noticeDays: days.default(7),
    /** In the recycle bin, before it is deleted. */
    recycleDays: days.default(7),
  })
  .prefault({})
  .refine(({ suspendedDays, noticeDays }) => isBefore(noticeDays, suspendedDays), 'noticeDays must be below suspendedDays')
  .refine(({ stoppedDays, noticeDays }) => isBefore(noticeDays, stoppedDays), 'noticeDays must be below stoppedDays');

export type AgingOptions = z.output<typeof agingOptions>;

function isBefore(noticeDays: number | null, days: number | null): boolean {
  return days === null || days === 0 || (noticeDays ?? 0) < days;
}
