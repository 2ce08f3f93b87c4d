import type { AccessPattern } from '@paravcl/shared/chunks/access-pattern';
import type { ChunkMember } from '@paravcl/shared/chunks/mirror-messages';
import { memberAt, parentRank, rankOf, relaySize, relayTiers, type RelayTiers } from '@paravcl/shared/chunks/relay-tree';

/** Who serves one image, as this host was told, and in what order a boot reads it. */
export interface MemberTable {
  /** This host's own number; null when it serves nobody. */
  readonly self: number | null;
  readonly members: ReadonlyMap<number, ChunkMember>;
  readonly tiers: RelayTiers;
  /** Place of a chunk in the boot order; chunks that boots do not read stand at their index. */
  readonly places: ReadonlyMap<number, number>;
}

export const noMembers: MemberTable = { self: null, members: new Map(), tiers: [], places: new Map() };

/** What a `members` message makes of the table. */
export function withMembers(table: MemberTable, change: { readonly self: number | null; readonly set: readonly ChunkMember[]; readonly gone: readonly number[] }): MemberTable {
  const members = new Map(table.members);
  for (const number of change.gone) members.delete(number);
  for (const member of change.set) members.set(member.number, member);
  return { ...table, self: change.self, members, tiers: relayTiers([...members.values()]) };
}

export function withPattern(table: MemberTable, pattern: AccessPattern): MemberTable {
  return { ...table, places: new Map(pattern.boot.map((index, place) => [index, place])) };
}

/** How this host stands to one chunk. */
export interface RelayPlace {
  /** Of this host; beyond all ranks when it serves nobody. */
  readonly rank: number;
  /** Whom it asks before the master: who hands the chunk on to it, then the chunk's owner. */
  readonly sources: readonly number[];
}

export function relayPlace({ self, tiers, places }: MemberTable, index: number): RelayPlace {
  const place = places.get(index) ?? index;
  const rank = (self === null ? null : rankOf(tiers, place, self)) ?? relaySize(tiers);
  if (rank === 0) return { rank, sources: [] };
  const sources = [memberAt(tiers, place, parentRank(rank)), memberAt(tiers, place, 0)].filter((number) => number !== null);
  return { rank, sources: [...new Set(sources)] };
}
