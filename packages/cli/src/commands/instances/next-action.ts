import type { InstanceItem } from '../../names/kinds';
import { line } from '../../output/advice';

/** What one does next with a machine as it is: a command, or null where there is nothing to do but wait. */
export function nextAction(instance: Pick<InstanceItem, 'id' | 'name' | 'observed' | 'recycledAt' | 'desired'>): string | null {
  const { observed, recycledAt, desired } = instance;
  if (recycledAt !== null) return line`paravcl instances restore ${instance}`;
  switch (observed) {
    case 'running':
      return line`paravcl ssh ${instance}`;
    case 'suspended':
      return desired === 'running' ? line`paravcl why ${instance}` : line`paravcl instances resume ${instance}`;
    case 'stopped':
    case 'failed':
      return line`paravcl instances start ${instance}`;
    case 'queued':
    case 'lost':
      return line`paravcl why ${instance}`;
    default:
      return null;
  }
}
