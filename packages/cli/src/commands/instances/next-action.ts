import type { InstanceItem } from '../../names/kinds';

/** What one does next with a machine as it is: a command, or null where there is nothing to do but wait. */
export function nextAction({ name, observed, recycledAt, desired }: Pick<InstanceItem, 'name' | 'observed' | 'recycledAt' | 'desired'>): string | null {
  if (recycledAt !== null) return `paravcl instances restore ${name}`;
  switch (observed) {
    case 'running':
      return `paravcl ssh ${name}`;
    case 'suspended':
      return desired === 'running' ? `paravcl why ${name}` : `paravcl instances resume ${name}`;
    case 'stopped':
    case 'failed':
      return `paravcl instances start ${name}`;
    case 'queued':
    case 'lost':
      return `paravcl why ${name}`;
    default:
      return null;
  }
}
