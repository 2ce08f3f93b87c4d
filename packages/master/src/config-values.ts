import { isIP } from 'node:net';
import { isAbsolute } from 'node:path';
import { z } from 'zod';

/** The kinds of values that options have. */

export const count = (min: number, max: number) => z.int().min(min).max(max);

export const absolutePath = z.string().max(4096).refine(isAbsolute, 'must be an absolute path');

export const hostOrAddress = z
  .string()
  .max(253)
  .refine((name) => isIP(name) !== 0 || /^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$/.test(name), 'must be a host name or an IP address');

export const timeZone = z.string().refine((zone) => {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: zone }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}, 'must be an IANA time zone such as Europe/Berlin');

/** A time of the site's day; 24:00 is midnight at its end. */
export const timeOfDay = z.string('must be a time of day in quotes, such as "08:00"').regex(/^([01]\d|2[0-3]):[0-5]\d$|^24:00$/, 'must be a time of day from "00:00" to "24:00"');

/** Minutes since midnight. */
export function minuteOfDay(time: string): number {
  const [hours = 0, minutes = 0] = time.split(':').map(Number);
  return hours * 60 + minutes;
}

export const groupName = z.string().trim().min(1, 'must name a group').max(100);
