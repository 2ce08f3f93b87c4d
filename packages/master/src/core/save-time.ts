import type { Rules } from './snapshot';

/** Speed assumed of a slave that has saved nothing yet; half of what an old lab PC's hard disk writes. */
export const unmeasuredSaveMiBPerSecond = 40;

/** What a save takes besides writing RAM: the order's way, pausing the guest, making the file durable. */
const saveBaseMs = 1000;

/** Below this a measured speed is a fault of the measure; dividing by it would plan for a year. */
const slowestMiBPerSecond = 1;

/** How long saving a guest of this RAM will take, in milliseconds. Touched or not, all of its RAM counts. */
export function predictedSaveMs(ramMiB: number, mibPerSecond: number): number {
  return saveBaseMs + (ramMiB / Math.max(slowestMiBPerSecond, mibPerSecond)) * 1000;
}

/**
 * How long before their room is needed the guests with these RAM sizes have to be ordered away, in milliseconds. They
 * share one disk, so their saves add up. 0 when there are none.
 */
export function leadMs(ramMiBs: readonly number[], mibPerSecond: number, rules: Pick<Rules, 'saveSafety' | 'saveOverheadMs'>): number {
  if (ramMiBs.length === 0) return 0;
  const savesMs = ramMiBs.reduce((sum, ramMiB) => sum + predictedSaveMs(ramMiB, mibPerSecond), 0);
  return rules.saveOverheadMs + rules.saveSafety * savesMs;
}
