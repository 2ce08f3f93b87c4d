import type { PublicMappingView } from '@paravcl/shared/api/public-mappings';

/** `telling`: its machine runs, and its slave has not answered yet. */
export type PublicStanding = 'inForce' | 'telling' | 'notRunning';

export function standingOf({ inForce, runs }: Pick<PublicMappingView, 'inForce' | 'runs'>): PublicStanding {
  if (inForce) return 'inForce';
  return runs ? 'telling' : 'notRunning';
}

/** "203.0.113.7", "10.0.0.5:40000"; null while nobody can say on which slave the port is. */
export function saysWhere({ reachedAt }: Pick<PublicMappingView, 'reachedAt'>): string | null {
  if (reachedAt === null) return null;
  return reachedAt.port === null ? reachedAt.address : `${reachedAt.address}:${String(reachedAt.port)}`;
}
