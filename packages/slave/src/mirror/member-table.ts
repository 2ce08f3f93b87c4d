import type { AccessPattern } from '@paravcl/shared/chunks/access-pattern';
import type { ChunkMember } from '@paravcl/shared/chunks/mirror-messages';
import { stripeSlots } from '@paravcl/shared/chunks/stripes';

/** Who serves one image, as this host was told, and in what order a boot reads it. */
export interface MemberTable {
  /** This host's own number; null when it serves nobody. */
  readonly self: number | null;
  readonly members: ReadonlyMap<number, ChunkMember>;
  readonly slots: readonly number[];
  /** Place of a chunk in the boot order; chunks that boots do not read stand at their index. */
  readonly places: ReadonlyMap<number, number>;
}

export const noMembers: MemberTable = { self: null, members: new Map(), slots: [], places: new Map() };

/** What a `members` message makes of the table. */
export function withMembers(table: MemberTable, change: { readonly self: number | null; readonly set: readonly ChunkMember[]; readonly gone: readonly number[] }): MemberTable {
  const members = new Map(table.members);
  for (const number of change.gone) members.delete(number);
  for (const member of change.set) members.set(member.number, member);
  return { ...table, self: change.self, members, slots: stripeSlots([...members.values()]) };
}

export function withPattern(table: MemberTable, pattern: AccessPattern): MemberTable {
  return { ...table, places: new Map(pattern.boot.map((index, place) => [index, place])) };
}

/** The member whose turn this chunk is; null when nobody serves. */
export function owner(table: MemberTable, index: number): number | null {
  return candidates(table, index, 1)[0] ?? null;
}

/** The owner of a chunk and those whose turn it would be without it, each once, at most `most`. */
export function candidates({ slots, places }: MemberTable, index: number, most: number): readonly number[] {
  const place = places.get(index) ?? index;
  const found: number[] = [];
  for (let step = 0; step < slots.length && found.length < most; step += 1) {
    const number = slots[(place + step) % slots.length];
    if (number !== undefined && !found.includes(number)) found.push(number);
  }
  return found;
}
