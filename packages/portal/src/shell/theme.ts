const storageKey = 'paravcl.theme';
export const themes = ['system', 'light', 'dark'] as const;
export type Theme = (typeof themes)[number];

/** PatternFly is dark below this class. */
const darkClass = 'pf-v6-theme-dark';

export function chosenTheme(): Theme {
  const stored = localStorage.getItem(storageKey);
  return stored === 'light' || stored === 'dark' ? stored : 'system';
}

/** Dark and light follow the system until somebody chooses. */
function applyTheme(theme: Theme = chosenTheme()): void {
  const system = window.matchMedia('(prefers-color-scheme: dark)');
  document.documentElement.classList.toggle(darkClass, theme === 'dark' || (theme === 'system' && system.matches));
}

/** Keeps what somebody chose in this browser, and shows it. */
export function chooseTheme(theme: Theme): void {
  localStorage.setItem(storageKey, theme);
  applyTheme(theme);
}

/** Follows the system from now on. */
export function followTheme(): void {
  applyTheme();
  window.matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => applyTheme());
}
