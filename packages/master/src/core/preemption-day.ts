import type { EpochMs } from '@paravcl/shared/clock';
import { DateTime } from 'luxon';
import type { InstanceRecord } from './instance-record';

/** The site's day, YYYY-MM-DD: preemptions are counted by it. */
export function siteDay(at: EpochMs, timeZone: string): string {
  return DateTime.fromMillis(at, { zone: timeZone }).toFormat('yyyy-MM-dd');
}

/** How often it was suspended for others today. */
export function preemptionsToday(instance: Pick<InstanceRecord, 'preemptions' | 'preemptedOn'>, at: EpochMs, timeZone: string): number {
  return instance.preemptedOn !== null && instance.preemptedOn === siteDay(at, timeZone) ? instance.preemptions : 0;
}

/** When the site's day ends; a day has 23 or 25 hours when the clocks change. */
export function dayEndsAt(at: EpochMs, timeZone: string): EpochMs {
  return DateTime.fromMillis(at, { zone: timeZone }).startOf('day').plus({ days: 1 }).toMillis();
}
