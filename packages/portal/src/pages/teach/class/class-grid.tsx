import { useRef, type KeyboardEvent, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import type { Tile } from './class-tile';
import { neighbour } from './grid-keys';
import { TileCard } from './tile-card';

interface ClassGridProps {
  readonly tiles: readonly Tile[];
  readonly chosen: ReadonlySet<number>;
  readonly isBusy: boolean;
  readonly onChoose: (slot: number, isRange: boolean) => void;
  readonly onAgain: (tile: Tile) => void;
  /** Somebody points at the grid, or is in it with the keyboard: nothing may move. */
  readonly onHold: (isHeld: boolean) => void;
}

/** The tiles. Arrow keys lead from one to the next; with Shift they choose on the way. */
export function ClassGrid({ tiles, chosen, isBusy, onChoose, onAgain, onHold }: ClassGridProps): ReactNode {
  const { t } = useTranslation('teach');
  const list = useRef<HTMLUListElement>(null);
  const move = (event: KeyboardEvent<HTMLUListElement>): void => {
    const boxes = [...(list.current?.querySelectorAll<HTMLInputElement>('input[data-slot]') ?? [])];
    const at = boxes.indexOf(event.target as HTMLInputElement);
    if (at < 0) return;
    const to = neighbour(event.key, at, columnsOf(boxes), boxes.length);
    if (to === null) return;
    event.preventDefault();
    boxes[to]?.focus();
    const slot = boxes[to]?.dataset.slot;
    if (event.shiftKey && slot !== undefined) onChoose(Number(slot), true);
  };
  return (
    <ul
      ref={list}
      className="pv-teach-grid"
      aria-label={t('class.machines')}
      onKeyDown={move}
      onPointerEnter={() => onHold(true)}
      onPointerLeave={() => onHold(false)}
      onFocus={({ target }) => {
        if (target.matches(':focus-visible')) onHold(true);
      }}
      onBlur={({ relatedTarget, currentTarget }) => {
        if (!currentTarget.contains(relatedTarget) && !currentTarget.matches(':hover')) onHold(false);
      }}
    >
      {tiles.map((tile) => <TileCard key={tile.slot} tile={tile} isChosen={chosen.has(tile.slot)} isBusy={isBusy} onChoose={onChoose} onAgain={onAgain} />)}
    </ul>
  );
}

/** So many stand in the first row. */
function columnsOf(boxes: readonly HTMLElement[]): number {
  const top = boxes[0]?.getBoundingClientRect().top;
  const second = boxes.findIndex((box) => box.getBoundingClientRect().top !== top);
  return second < 0 ? boxes.length : second;
}
