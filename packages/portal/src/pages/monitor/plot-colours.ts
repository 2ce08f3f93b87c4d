import { useSyncExternalStore } from 'react';

export interface PlotColours {
  readonly text: string;
  readonly grid: string;
  readonly lines: readonly string[];
}

/** The colours of the theme in force: a canvas knows no tokens. */
export function plotColours(): PlotColours {
  const style = getComputedStyle(document.documentElement);
  const token = (name: string): string => style.getPropertyValue(`--pf-t--global--${name}`).trim();
  return { text: token('text--color--subtle'), grid: token('border--color--default'), lines: [token('color--brand--default'), token('text--color--regular')] };
}

/** Changes when the theme does, so that what was drawn in the colours of the other is drawn anew. */
export function useThemeInForce(): string {
  return useSyncExternalStore(
    (changed) => {
      const observer = new MutationObserver(changed);
      observer.observe(document.documentElement, { attributeFilter: ['class'] });
      return () => observer.disconnect();
    },
    () => document.documentElement.className,
  );
}
