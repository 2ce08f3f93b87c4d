import type { EpochMs } from '@paravcl/shared/clock';
import { fit } from './say';
import { tellDatedMoment } from './tell-time';

/** Why a weekly repeat is refused: `why` is what its first week that does not fit ran into, with the way out for that week. */
export function refusedWeek(why: string, week: number, start: EpochMs, timeZone: string, at: EpochMs): string {
  if (week === 0) return fit(`${why} Nothing of the repeat is reserved.`);
  const which = `week ${week + 1} of the repeat, ${tellDatedMoment(start, timeZone, at)}`;
  return fit(`${why} That is ${which}, so nothing of it is reserved: end it before that week, take another time or size for all of it, or reserve that week apart.`);
}

/** What follows a confirmed week of a repeat: "It repeats every week until 2026-03-24: 2 weeks are reserved, later ones follow as they come near." */
export function repeats(until: string, weeks: number, more: boolean): string {
  const reserved = weeks === 1 ? 'this week is reserved' : `${weeks} weeks are reserved`;
  return `It repeats every week until ${until}: ${reserved}${more ? ', later ones follow as they come near' : ''}.`;
}

/** What a cancelled repeat took with it. */
export function repeatCancelled(laterWeeks: number): string {
  const went = laterWeeks === 0 ? 'No later week was reserved' : laterWeeks === 1 ? '1 later week was cancelled with it' : `${laterWeeks} later weeks were cancelled with it`;
  return `${went}, and it does not repeat any more.`;
}
