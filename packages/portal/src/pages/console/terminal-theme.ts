import type { ITheme } from '@xterm/xterm';

/** The terminal's colours, from the page's own tokens, dark or light. The sixteen of ANSI stay xterm's; it lifts their contrast where it is low. */
export function terminalTheme(root: HTMLElement): ITheme {
  const style = getComputedStyle(root);
  const token = (name: string): string => style.getPropertyValue(`--pf-t--global--${name}`).trim();
  const [background, text] = [token('background--color--primary--default'), token('text--color--regular')];
  return {
    background,
    foreground: text,
    cursor: text,
    cursorAccent: background,
    selectionBackground: token('color--brand--default'),
    selectionForeground: token('text--color--on-brand--default'),
    scrollbarSliderBackground: token('border--color--default'),
    scrollbarSliderHoverBackground: token('border--color--hover'),
    scrollbarSliderActiveBackground: token('border--color--clicked'),
  };
}
