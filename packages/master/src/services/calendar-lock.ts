import { randomUUID } from 'node:crypto';
import type { Repositories } from '../repositories/repositories';

/**
 * The setting that stands for the calendar. Whoever changes what is reserved holds it alone and gives it another value;
 * whoever changes what reservations are decided from shares it, and does so only while the value is the one from before
 * it looked. Taken before any row of an instance or a slave, so that two never wait for each other.
 */
export const calendarLock = 'calendar';

/** Waits until nobody else changes the calendar, and keeps others from it until the transaction ends. */
export async function lockCalendar(repositories: Repositories): Promise<void> {
  await repositories.settings.put(calendarLock, randomUUID());
}

/** Keeps the calendar as it is until the transaction ends; answers its value. */
export function shareCalendar(repositories: Repositories): Promise<string | null> {
  return repositories.settings.shareLock(calendarLock);
}
