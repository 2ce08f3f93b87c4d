import type { DeploymentMember } from '@paravcl/shared/domain/deployment';
import type { ObservedState } from '@paravcl/shared/domain/instance-state';
import { isHostSilent } from '../../../states/host-silent';

/** How a machine of the class stands, as a teacher asks: does it need me, does it come by itself, is it there, is it put away? */
export const phases = ['failed', 'waiting', 'running', 'off'] as const;
export type Phase = (typeof phases)[number];

/** One machine of the class as the grid shows it. */
export interface Tile {
  readonly slot: number;
  readonly instanceId: string;
  readonly userId: string;
  /** Whose it is; null when that is not known here. */
  readonly person: string | null;
  /** Null until it is made, and once nothing is kept of it. */
  readonly name: string | null;
  readonly phase: Phase;
  readonly state: ObservedState | 'wanted' | 'cancelled' | 'refused';
  /** It ran on a host that is silent now. */
  readonly isSilent: boolean;
  /** Why it is so, as the master says it. */
  readonly sentence: string | null;
  /** It has an instance to which something can be told. */
  readonly isMade: boolean;
}

const phaseOfState: Readonly<Record<ObservedState, Phase>> = {
  requested: 'waiting',
  queued: 'waiting',
  preparing: 'waiting',
  booting: 'waiting',
  running: 'running',
  suspending: 'waiting',
  suspended: 'off',
  resuming: 'waiting',
  stopping: 'waiting',
  stopped: 'off',
  relocating: 'waiting',
  failed: 'failed',
  lost: 'failed',
  deleted: 'off',
};
const phaseOfPlace = { wanted: 'waiting', cancelled: 'off', refused: 'failed' } as const;

/** A member of a deployment as a tile. `people`: names by user id. */
export function tileOf(member: DeploymentMember, people: ReadonlyMap<string, string>): Tile {
  const { slot, instanceId, userId, name, reason } = member;
  const state = member.state === 'made' ? (member.observed ?? 'deleted') : member.state;
  const phase = member.state === 'made' ? phaseOfMade(member) : phaseOfPlace[member.state];
  return { slot, instanceId, userId, person: people.get(userId) ?? null, name, phase, state, isSilent: member.state === 'made' && isHostSilent(member), sentence: member.sentence ?? reason?.sentence ?? null, isMade: member.state === 'made' && state !== 'deleted' };
}

/** What ran last on a slave that is silent: nobody knows whether it runs. */
function phaseOfMade(member: DeploymentMember): Phase {
  return isHostSilent(member) ? 'failed' : phaseOfState[member.observed ?? 'deleted'];
}

/** What stands above a tile, and what it is found by: the person; where that is not known, the machine; last its place. */
export const titleOf = ({ person, name, slot }: Pick<Tile, 'person' | 'name' | 'slot'>): string => person ?? name ?? `#${slot}`;

/** So many tiles of each kind. */
export function countPhases(tiles: readonly Tile[]): Readonly<Record<Phase, number>> {
  const counts = { failed: 0, waiting: 0, running: 0, off: 0 };
  for (const { phase } of tiles) counts[phase] += 1;
  return counts;
}

/** Those that are asked for: of a kind, with this in the name of the person or of the machine. */
export function findTiles(tiles: readonly Tile[], phase: Phase | 'all', text: string): readonly Tile[] {
  const wanted = text.trim().toLocaleLowerCase();
  return tiles.filter((tile) => (phase === 'all' || tile.phase === phase) && (wanted === '' || [tile.person, tile.name].some((name) => name?.toLocaleLowerCase().includes(wanted) === true)));
}
