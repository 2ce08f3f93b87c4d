import { within, type Room, type WaitingInstance } from './snapshot';

/** What of a pool is asked for, for the end of a sentence: "disk and saved RAM need 320 MiB". */
export function sayDiskNeed({ need: { diskMiB }, homeMiB = 0 }: Pick<WaitingInstance, 'need' | 'homeMiB'>): string {
  if (homeMiB === 0) return `disk and saved RAM need ${diskMiB} MiB`;
  if (homeMiB === diskMiB) return `the home volume of its owner needs ${diskMiB} MiB`;
  return `disk, saved RAM and the home volume of its owner (${homeMiB} MiB) need ${diskMiB} MiB`;
}

/** Without the home volume that it waits with. */
export function withoutHome(need: Room, homeMiB = 0): Room {
  return { ...need, diskMiB: need.diskMiB - homeMiB };
}

/** Whether only the home volume makes it too large for all of these. */
export function isHomeTooLarge({ need, homeMiB = 0 }: Pick<WaitingInstance, 'need' | 'homeMiB'>, capacities: readonly Room[]): boolean {
  return homeMiB > 0 && !capacities.some((capacity) => within(need, capacity)) && capacities.some((capacity) => within(withoutHome(need, homeMiB), capacity));
}
