import type { QueueEntry } from '@paravcl/shared/domain/decision';
import type { Instance } from '@paravcl/shared/domain/instance';

/**
 * Why a machine is as it is, in the master's sentences. One that waits for its first start is told what it waits for, of which its reason
 * is a part; one that was saved is told who or what saved it as well, and then what it waits for to go on.
 */
export function saidOf({ observed, reason }: Pick<Instance, 'observed' | 'reason'>, queued: Pick<QueueEntry, 'waitsFor'> | null): readonly string[] {
  const why = reason?.sentence ?? null;
  if (queued === null) return why === null ? [] : [why];
  return why === null || observed !== 'suspended' || queued.waitsFor.startsWith(why) ? [queued.waitsFor] : [why, queued.waitsFor];
}
