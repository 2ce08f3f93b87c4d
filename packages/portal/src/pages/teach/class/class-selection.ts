/** Chosen tiles by their slots, and the one from which Shift chooses up to another. */
export interface Selection {
  readonly slots: ReadonlySet<number>;
  readonly anchor: number | null;
}

export const nothingChosen: Selection = { slots: new Set(), anchor: null };

/** Chooses this one, or gives it up. */
export function toggle({ slots }: Selection, slot: number): Selection {
  const next = new Set(slots);
  if (!next.delete(slot)) next.add(slot);
  return { slots: next, anchor: slot };
}

/** Chooses all from the anchor to this one, as they are shown; without an anchor that is shown, this one alone. */
export function chooseUpTo({ slots, anchor }: Selection, slot: number, shown: readonly number[]): Selection {
  const [from, to] = [anchor === null ? -1 : shown.indexOf(anchor), shown.indexOf(slot)];
  if (from < 0 || to < 0) return { slots: new Set([...slots, slot]), anchor: slot };
  return { slots: new Set([...slots, ...shown.slice(Math.min(from, to), Math.max(from, to) + 1)]), anchor };
}

/** All that are shown, besides what is chosen elsewhere. */
export const chooseAll = ({ slots, anchor }: Selection, shown: readonly number[]): Selection => ({ slots: new Set([...slots, ...shown]), anchor });

/** Without those that are not there any more. The same when all are. */
export function stillThere(selection: Selection, there: ReadonlySet<number>): Selection {
  const slots = [...selection.slots].filter((slot) => there.has(slot));
  return slots.length === selection.slots.size ? selection : { slots: new Set(slots), anchor: selection.anchor !== null && there.has(selection.anchor) ? selection.anchor : null };
}
