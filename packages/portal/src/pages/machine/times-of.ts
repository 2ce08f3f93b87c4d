import type { Instance } from '@paravcl/shared/domain/instance';

export interface ToldTime {
  readonly key: 'until' | 'reservedUntil' | 'recycledSince' | 'recycledUntil' | 'agesOut';
  readonly at: string;
}

/** What lies for months is told of its end only when that is near. */
const toldAheadMs = 14 * 24 * 60 * 60_000;

/** The times of a machine that its person should know now, nearest meaning first. */
export function timesOf({ observed, desired, endsAt, type, recycledAt, recycledUntil, agesOutAt }: Pick<Instance, 'observed' | 'desired' | 'endsAt' | 'type' | 'recycledAt' | 'recycledUntil' | 'agesOutAt'>, now: number): readonly ToldTime[] {
  const told: ToldTime[] = [];
  const isOn = desired === 'running' && (observed === 'running' || observed === 'booting' || observed === 'resuming');
  if (isOn && endsAt !== null) told.push({ key: type === 'AR' ? 'reservedUntil' : 'until', at: endsAt });
  if (recycledAt !== null) told.push({ key: 'recycledSince', at: recycledAt });
  if (recycledUntil !== null) told.push({ key: 'recycledUntil', at: recycledUntil });
  if (recycledAt === null && !isOn && agesOutAt !== null && Date.parse(agesOutAt) - now < toldAheadMs) told.push({ key: 'agesOut', at: agesOutAt });
  return told;
}
