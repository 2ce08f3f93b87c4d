import { useLayoutEffect, useRef, useState, type HTMLAttributes, type RefObject, type SyntheticEvent } from 'react';
import type { Day } from './days-of-hours';
import { isMoveKey, movedTo, spanBetween, type Span } from './span';

interface Picking {
  readonly days: readonly Day[];
  readonly shown: readonly Day[];
  readonly span: Span | null;
  readonly onSpan: (span: Span) => void;
  readonly onDate: (date: string) => void;
}

interface SpanPicking {
  /** The hour that Tab reaches. */
  readonly active: number | null;
  /** The first hour is chosen, the last one is not yet. */
  readonly picking: boolean;
  readonly table: RefObject<HTMLTableElement | null>;
  readonly handlers: HTMLAttributes<HTMLTableElement>;
}

function hourOf(event: SyntheticEvent): number | null {
  const cell = event.target instanceof Element ? event.target.closest('[data-hour]') : null;
  return cell === null ? null : Number(cell.getAttribute('data-hour'));
}

/** How a span is picked in the table, by mouse, touch and keys. */
export function useSpanPicking({ days, shown, span, onSpan, onDate }: Picking): SpanPicking {
  const table = useRef<HTMLTableElement>(null);
  const [focused, setFocused] = useState<number | null>(null);
  /** First hour of a span of which the last one is still to be pressed. */
  const [anchor, setAnchor] = useState<number | null>(null);
  /** Where Shift was pressed, and where a drag began. */
  const shiftFrom = useRef<number | null>(null);
  const drag = useRef<{ readonly from: number; moved: boolean } | null>(null);
  const wantsFocus = useRef(false);
  const hours = shown.flatMap((day) => day.hours);
  const has = (hour: number | null): hour is number => hour !== null && hours.some(({ start }) => start === hour);
  const active = has(focused) ? focused : (hours.find(({ start }) => span !== null && start <= span.start && span.start < start + 3_600_000) ?? hours[0])?.start ?? null;

  useLayoutEffect(() => {
    if (!wantsFocus.current || focused === null) return;
    const cell = table.current?.querySelector<HTMLElement>(`[data-hour="${focused}"]`);
    if (cell == null) return;
    wantsFocus.current = false;
    cell.focus();
  });

  const press = (hour: number, extend: boolean): void => {
    setFocused(hour);
    const from = extend ? (anchor ?? span?.start ?? hour) : anchor;
    onSpan(spanBetween(from ?? hour, hour));
    setAnchor(from === null ? hour : null);
  };
  const move = (from: number, to: number, extend: boolean): void => {
    shiftFrom.current = extend ? (shiftFrom.current ?? anchor ?? from) : null;
    if (shiftFrom.current !== null) {
      onSpan(spanBetween(shiftFrom.current, to));
      setAnchor(null);
    }
    setFocused(to);
    wantsFocus.current = true;
    const date = days.find((day) => day.hours.some(({ start }) => start === to))?.date;
    if (date !== undefined && !hours.some(({ start }) => start === to)) onDate(date);
  };

  const handlers: HTMLAttributes<HTMLTableElement> = {
    onKeyDown: (event) => {
      const hour = hourOf(event);
      if (hour === null || event.altKey || event.ctrlKey || event.metaKey) return;
      if (isMoveKey(event.key)) move(hour, movedTo(days, hour, event.key), event.shiftKey);
      else if (event.key === 'Enter' || event.key === ' ') press(hour, event.shiftKey);
      else if (event.key === 'Escape' && anchor !== null) setAnchor(null);
      else return;
      event.preventDefault();
    },
    onFocus: (event) => {
      const hour = hourOf(event);
      if (hour !== null) setFocused(hour);
    },
    onPointerDown: (event) => {
      const hour = hourOf(event);
      drag.current = hour === null || event.pointerType !== 'mouse' || event.button !== 0 || event.shiftKey ? null : { from: hour, moved: false };
    },
    onPointerOver: (event) => {
      const hour = hourOf(event);
      const { current } = drag;
      if (hour === null || current === null || (!current.moved && hour === current.from)) return;
      if ((event.buttons & 1) === 0) {
        drag.current = null;
        return;
      }
      current.moved = true;
      setAnchor(null);
      onSpan(spanBetween(current.from, hour));
    },
    onClick: (event) => {
      const hour = hourOf(event);
      const dragged = drag.current?.moved === true;
      drag.current = null;
      if (hour !== null && !dragged) press(hour, event.shiftKey);
    },
  };
  return { active, picking: anchor !== null, table, handlers };
}
