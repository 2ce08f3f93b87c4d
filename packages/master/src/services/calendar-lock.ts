import { randomUUID } from 'node:crypto';
import type { Repositories } from '../repositories/repositories';
import { calendarSetting } from '../repositories/setting-repository';

/*
 * The setting that stands for the calendar. Whoever changes what is reserved holds it alone and gives it another value;
 * whoever changes what reservations are decided from shares it, and does so only while the value is the one from before
 * it looked. Taken before any row of an instance or a slave that is there already, so that two never wait for each other; one person's launch takes it
 * behind their own row, which whoever reserves for them takes after it: one of the two is done again.
 */

/** Waits until nobody else changes the calendar, and keeps others from it until the transaction ends. */
export async function lockCalendar(repositories: Repositories): Promise<void> {
  const value = randomUUID();
  await repositories.settings.put(calendarSetting, value);
  if (repositories.run !== null) repositories.calendarRuns.taken(repositories.run, value);
}

/** Keeps the calendar as it is until the transaction ends; answers its value. */
export async function shareCalendar(repositories: Repositories): Promise<string | null> {
  const value = await repositories.settings.shareLock(calendarSetting);
  if (repositories.run !== null) repositories.calendarRuns.shared(repositories.run);
  return value;
}

/** Its value, to look at the world after it: all that was reserved until then is told. Nothing is locked. */
export async function seeCalendar(repositories: Repositories): Promise<string | null> {
  const value = await repositories.settings.find(calendarSetting);
  await repositories.calendarRuns.told(value);
  return value;
}
