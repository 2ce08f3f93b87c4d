import type { CommandResult } from '@paravcl/shared/protocol/commands';
import type { JournalState } from './journal-state';

export type CommandRefusal = Extract<CommandResult['outcome'], { readonly ok: false }>;

/** Why a command about this instance is not carried out; null when it is. `generation` null: about whatever of it is here. */
export function commandRefusal({ instances }: JournalState, instanceId: string, generation: number | null): CommandRefusal | null {
  const known = instances.get(instanceId)?.desired;
  if (!known) return { ok: false, code: 'unknown-instance', message: `This host knows no instance ${instanceId}.` };
  if (generation !== null && generation < known.generation) {
    return { ok: false, code: 'stale', message: `Something else was asked of it meanwhile (generation ${generation}, by now ${known.generation}): ask again.` };
  }
  return null;
}
