import type { InstanceRecord, PlacementRecord } from './instance-record';

/**
 * The generation of whatever is told next about an instance, to whichever slave: newer than its own, than
 * every placement's (a tombstone may be newer than the instance), and than one that a slave was `seen` with.
 */
export function nextGeneration(instance: Pick<InstanceRecord, 'generation'>, placements: readonly Pick<PlacementRecord, 'generation'>[], seen = 0): number {
  return Math.max(instance.generation, seen, ...placements.map(({ generation }) => generation)) + 1;
}
