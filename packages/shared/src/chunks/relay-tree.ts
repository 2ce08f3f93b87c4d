/** A mirror that serves chunks of an image to others. */
export interface RelayMember {
  /** Given by the master, one per slave and image. */
  readonly number: number;
  /** The heavier one serves more; 0: in no tree, only asked when the master names it. */
  readonly weight: number;
}

/** Members of one weight, by their numbers; the heaviest tier first. All of a group compute the same ones. */
export type RelayTiers = readonly (readonly number[])[];

export function relayTiers(members: readonly RelayMember[]): RelayTiers {
  const weights = [...new Set(members.map(({ weight }) => weight))].filter((weight) => weight > 0).sort((a, b) => b - a);
  return weights.map((tier) => members.filter(({ weight }) => weight === tier).map(({ number }) => number).sort((a, b) => a - b));
}

/** How many are in the trees. */
export function relaySize(tiers: RelayTiers): number {
  return tiers.reduce((sum, { length }) => sum + length, 0);
}

/**
 * The member's rank in the tree of the chunk at this place of the order in which a boot reads the image; null when it is in none.
 *
 * Each place has a tree of its own: a binomial tree (as MPI's broadcasts have) over the members in their order, which is turned by one
 * from place to place. Rank 0, the owner, asks the master; rank r asks the one whose rank is r without its highest bit. So each chunk
 * leaves the master once; a chunk reaches n members in at most log2 n steps; over all chunks each member sends as much as it
 * receives; and it speaks to 2 log2 n others only, those 1, 2, 4, 8… before and after it. The upper half of the ranks serves nobody:
 * there stand the lighter tiers, which are turned among themselves.
 */
export function rankOf(tiers: RelayTiers, place: number, number: number): number | null {
  let before = 0;
  for (const tier of tiers) {
    const at = tier.indexOf(number);
    if (at !== -1) return before + ((((at - place) % tier.length) + tier.length) % tier.length);
    before += tier.length;
  }
  return null;
}

/** Null when nobody has this rank. */
export function memberAt(tiers: RelayTiers, place: number, rank: number): number | null {
  let left = rank;
  for (const tier of tiers) {
    if (left < tier.length) return tier[(left + place) % tier.length] ?? null;
    left -= tier.length;
  }
  return null;
}

/** Whom rank r asks. Rank 0 asks the master. */
export function parentRank(rank: number): number {
  return rank - 2 ** Math.floor(Math.log2(rank));
}
