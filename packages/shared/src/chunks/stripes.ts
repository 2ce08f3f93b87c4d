/** A mirror that serves chunks of an image to others. */
export interface StripeMember {
  /** Given by the master, one per slave and image. */
  readonly number: number;
  /** How large its share is beside the others'; volunteers have the least. */
  readonly weight: number;
}

/**
 * Whose turn each chunk is: the members in an order that all of them compute alike, each as often as its
 * weight, spread evenly (smooth weighted round-robin). Of the chunk at place r in the order in which a boot
 * reads them, `slots[r % slots.length]` is the owner: the one member that asks the master for it and hands it on,
 * so that the master sends each chunk about once and no member has more to send than its share.
 */
export function stripeSlots(members: readonly StripeMember[]): readonly number[] {
  const sorted = [...members].filter(({ weight }) => weight > 0).sort((a, b) => a.number - b.number);
  const total = sorted.reduce((sum, { weight }) => sum + weight, 0);
  const credit = sorted.map(() => 0);
  return Array.from({ length: total }, () => {
    let best = 0;
    sorted.forEach(({ weight }, at) => {
      credit[at] = (credit[at] ?? 0) + weight;
      if ((credit[at] ?? 0) > (credit[best] ?? 0)) best = at;
    });
    credit[best] = (credit[best] ?? 0) - total;
    return sorted[best]?.number ?? 0;
  });
}

/** The owner of the chunk at this place; null when nobody serves. */
export function ownerOf(place: number, slots: readonly number[]): number | null {
  return slots[place % slots.length] ?? null;
}
