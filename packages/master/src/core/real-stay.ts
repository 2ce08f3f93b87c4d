import type { EpochMs } from '@paravcl/shared/clock';
import type { ObservedState } from '@paravcl/shared/domain/instance-state';

/** One change of an instance's state, as its history keeps it. */
export interface StateChange {
  readonly at: EpochMs;
  readonly to: ObservedState;
}

/** In these its person had their machine, or soon would: what is being saved has been taken away already. */
const hadStates: readonly ObservedState[] = ['preparing', 'booting', 'running', 'resuming', 'relocating', 'lost'];

const overStates: readonly ObservedState[] = ['suspending', 'suspended', 'stopping', 'stopped', 'failed', 'deleted'];

/**
 * How long a person really had their machine between two moments, over all the times it ran: what they would have needed under
 * any policy. `changes` are in order of time, those before `from` included. Null: nobody knows, because it runs or waits on (`waits`) at the end.
 */
export function realStayMs(changes: readonly StateChange[], from: EpochMs, until: EpochMs, waits: boolean): number | null {
  const before = changes.filter(({ at }) => at < until);
  const last = before.at(-1);
  if (last === undefined || waits || !overStates.includes(last.to)) return null;
  return before.reduce((sum, { at, to }, index) => {
    const end = before[index + 1]?.at ?? until;
    return hadStates.includes(to) ? sum + Math.max(0, end - Math.max(at, from)) : sum;
  }, 0);
}
