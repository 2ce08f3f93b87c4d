import { useEffect, useMemo, useRef } from 'react';
import { keepOrder, orderTiles } from './class-order';
import { findTiles, type Phase, type Tile } from './class-tile';

/** The tiles that are shown, in their order. While it is held, nobody moves or leaves because of how they stand. */
export function useShownTiles(tiles: readonly Tile[], phase: Phase | 'all', text: string, isHeld: boolean, language: string): readonly Tile[] {
  const before = useRef<{ readonly asked: string; readonly slots: readonly number[] }>({ asked: '', slots: [] });
  const asked = `${phase} ${text}`;
  const shown = useMemo(() => {
    const found = findTiles(tiles, phase, text);
    if (!isHeld || before.current.asked !== asked) return orderTiles(found, language);
    const were = new Set(before.current.slots);
    const fresh = new Set(found.map(({ slot }) => slot));
    return keepOrder(before.current.slots, tiles.filter(({ slot }) => were.has(slot) || fresh.has(slot)));
  }, [tiles, phase, text, asked, isHeld, language]);
  useEffect(() => {
    before.current = { asked, slots: shown.map(({ slot }) => slot) };
  }, [asked, shown]);
  return shown;
}
