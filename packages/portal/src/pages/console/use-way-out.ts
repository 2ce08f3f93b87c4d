import { useEffect, type RefObject } from 'react';

/** As it is written on the page. The machine gets every other key. */
export const wayOut = 'Ctrl+Alt+Shift+B';

/** Leads from the machine, which takes every key, to the first thing in the bar. */
export function useWayOut(bar: RefObject<HTMLElement | null>): void {
  useEffect(() => {
    const pressed = (event: KeyboardEvent): void => {
      if (event.code !== 'KeyB' || !event.ctrlKey || !event.altKey || !event.shiftKey) return;
      // Before noVNC and xterm, which listen where the focus is.
      event.preventDefault();
      event.stopPropagation();
      bar.current?.querySelector<HTMLElement>('a[href], button:not([disabled])')?.focus();
    };
    window.addEventListener('keydown', pressed, true);
    return () => window.removeEventListener('keydown', pressed, true);
  }, [bar]);
}
