import { z } from 'zod';

/**
 * Why something waits, was refused or failed: a closed list, most important first. When several hold,
 * the first of the list is the one that is shown (its precedence), the others are counted. Three are not
 * given yet (ImageNotReady, Misconfigured, QuotaExceeded): they hold their place in the precedence.
 */
export const reasonCodes = [
  'Misconfigured',
  'NoSlaveFits',
  'TooSlow',
  'QuotaExceeded',
  'ImageNotReady',
  'ImageMissing',
  'ImageCorrupt',
  'NoSlaves',
  'PreparingOthers',
  'NotEnoughCores',
  'NotEnoughRam',
  'NotEnoughDisk',
  'NotEnoughBandwidth',
  'KeptForReservation',
  'KeptForNext',
  'CriticalLimit',
  'LowerPriority',
  'Recalled',
  'MakingRoom',
  'OtherHypervisor',
  'SlaveOffline',
  'SlaveTroubled',
  'ClockWrong',
  'SlaveDraining',
  'SlaveNotApproved',
  'HypervisorUnusable',
  'NotChosen',
  'AlreadyTried',
  'SlaveRefused',
  'LaunchFailed',
  'DiskError',
  'DeadlinePassed',
  'DomainLost',
  'TimeEnded',
  'StoppedByGuest',
  'StoppedByUser',
] as const;

export const reasonCodeSchema = z.enum(reasonCodes);
export type ReasonCode = z.infer<typeof reasonCodeSchema>;

/** A reason as it is stored and shown: the code for programs, one sentence for people. */
export const reasonSchema = z.object({ code: reasonCodeSchema, sentence: z.string().max(1000) }).readonly();
export type Reason = z.infer<typeof reasonSchema>;

/** Of several reasons the one to show. */
export function foremostReason<T extends { readonly code: ReasonCode }>(reasons: readonly T[]): T | undefined {
  return reasons.reduce<T | undefined>(
    (best, next) => (best === undefined || reasonCodes.indexOf(next.code) < reasonCodes.indexOf(best.code) ? next : best),
    undefined,
  );
}
