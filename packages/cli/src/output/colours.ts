import type { Screen, World } from '../world';

const codes = { bold: '1', dim: '2', red: '31', green: '32', yellow: '33', blue: '34', magenta: '35' } as const;
export type Colour = keyof typeof codes;

export type Paint = (colour: Colour, text: string) => string;

/** Colours on a terminal alone, and not for who does not want them (no-color.org: NO_COLOR that is not empty). */
export function paintFor(screen: Screen, env: World['env']): Paint {
  const wanted = screen.isTTY === true && (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb';
  return wanted ? (colour, text) => `\u001b[${codes[colour]}m${text}\u001b[0m` : (_colour, text) => text;
}
