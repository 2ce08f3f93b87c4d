import type { EpochMs } from '@paravcl/shared/clock';
import { tellLength, tellMoment } from '../core/tell-time';
import type { PledgeRecord } from '../repositories/pledge-repository';

/** Where somebody stands with the machines they promised. */
export interface PledgeStanding {
  /** Until when a promised machine has still to be online; null when none is awaited. */
  readonly awaitedUntil: EpochMs | null;
  /** When the last promise was broken; null when none was, or a later one was kept. */
  readonly brokenAt: EpochMs | null;
}

/** A promise whose time is over counts as broken from that moment, whenever the books say so. */
export function pledgeStanding(pledges: readonly PledgeRecord[], now: EpochMs): PledgeStanding {
  const broken = (pledge: PledgeRecord): boolean => pledge.state === 'broken' || (pledge.state === 'open' && pledge.untilAt <= now);
  const latest = (some: readonly PledgeRecord[], time: (pledge: PledgeRecord) => EpochMs): EpochMs | null =>
    some.reduce<EpochMs | null>((last, pledge) => Math.max(last ?? time(pledge), time(pledge)), null);
  const brokenAt = latest(pledges.filter(broken), ({ untilAt }) => untilAt);
  const keptAt = latest(pledges.filter(({ state }) => state === 'kept'), ({ madeAt }) => madeAt);
  return {
    awaitedUntil: latest(pledges.filter((pledge) => pledge.state === 'open' && !broken(pledge)), ({ untilAt }) => untilAt),
    brokenAt: brokenAt !== null && keptAt !== null && keptAt > brokenAt ? null : brokenAt,
  };
}

/** Says why a promise does not count, since when, and what to do. */
export function brokenPledgeSentence(brokenAt: EpochMs, contributingMs: number, timeZone: string, now: EpochMs): string {
  return `You promised a machine and it was not online by ${tellMoment(brokenAt, timeZone, now)}, so a new promise does not raise your priority. Enrol a machine and leave it on: after ${tellLength(contributingMs)} online it counts again.`;
}
