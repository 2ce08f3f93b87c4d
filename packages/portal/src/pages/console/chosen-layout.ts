import { layouts, type Layout } from './keyboard-layouts';

const storageKey = 'paravcl.console.layout';

/** How the keyboards of this person's machines are set, as far as they said; else as the page's language lets one think. */
export function chosenLayout(language: string): Layout {
  const stored = localStorage.getItem(storageKey);
  return layouts.find((layout) => layout === stored) ?? (language.startsWith('de') ? 'de' : 'us');
}

export function chooseLayout(layout: Layout): void {
  localStorage.setItem(storageKey, layout);
}
