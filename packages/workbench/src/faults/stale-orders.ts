import type { DesiredInstance } from '@paravcl/shared/protocol/desired-instance';
import type { MasterFrame } from '@paravcl/shared/protocol/master-to-agent';

/** Deletes of the generation before the one the agent knows: what a master that was restored or cut off might still say. */
export function olderDeletes(known: readonly DesiredInstance[]): MasterFrame {
  const instances = withOlder(known).map(({ instanceId, generation }) => ({ instanceId, generation: generation - 1, desired: 'deleted' as const, spec: null }));
  return { type: 'desired', payload: { instances } };
}

/** The agent's own newest desired states once more, as after a lost answer. */
export function duplicates(known: readonly DesiredInstance[]): MasterFrame {
  return { type: 'desired', payload: { instances: [...known] } };
}

/** Confirmations of tombstones that are older than what the agent knows. */
export function olderForgets(known: readonly DesiredInstance[]): MasterFrame {
  return { type: 'forget', payload: { instances: withOlder(known).map(({ instanceId, generation }) => ({ instanceId, generation: generation - 1 })) } };
}

/** Generations begin with 1: before the first there is none. */
const withOlder = (known: readonly DesiredInstance[]): readonly DesiredInstance[] => known.filter(({ generation }) => generation > 1);
