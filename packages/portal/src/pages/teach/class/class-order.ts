import { titleOf, type Tile } from './class-tile';

/** Those that failed first; all others keep their place by name, whatever they do, so that a person is found where they were. */
export function orderTiles(tiles: readonly Tile[], language: string): readonly Tile[] {
  const collator = new Intl.Collator(language, { numeric: true });
  return [...tiles].sort((a, b) => rank(a) - rank(b) || collator.compare(titleOf(a), titleOf(b)) || a.slot - b.slot);
}

const rank = ({ phase }: Tile): number => (phase === 'failed' ? 0 : 1);

/** The new tiles in the order of before, so that nothing moves under the pointer; what was not there comes last. */
export function keepOrder(before: readonly number[], now: readonly Tile[]): readonly Tile[] {
  const places = new Map(before.map((slot, at) => [slot, at]));
  const place = ({ slot }: Tile): number => places.get(slot) ?? before.length;
  return [...now].sort((a, b) => place(a) - place(b));
}
