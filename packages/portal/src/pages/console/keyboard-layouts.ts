/** A key that is pressed and released while others are held. `code` is the place on the keyboard (`KeyboardEvent.code`), `keysym` what X calls it. */
export interface Stroke {
  readonly code: string;
  readonly keysym: number;
  readonly held: readonly ('ShiftLeft' | 'AltRight')[];
}

/** How the machine's own keyboard is set: what arrives there are places of keys, and it makes characters of them. */
export const layouts = ['us', 'de'] as const;
export type Layout = (typeof layouts)[number];

const rows = [
  ['Backquote', ...[...'1234567890'].map((digit) => `Digit${digit}`), 'Minus', 'Equal'],
  [...[...'QWERTYUIOP'].map((letter) => `Key${letter}`), 'BracketLeft', 'BracketRight', 'Backslash'],
  [...[...'ASDFGHJKL'].map((letter) => `Key${letter}`), 'Semicolon', 'Quote'],
  [...[...'ZXCVBNM'].map((letter) => `Key${letter}`), 'Comma', 'Period', 'Slash'],
];
const places = rows.flat();

interface Keys {
  readonly plain: string;
  readonly shift: string;
  readonly further: Readonly<Record<string, readonly [code: string, ...held: Stroke['held']]>>;
  /** Shows nothing until the next key, which is a space. */
  readonly dead: string;
}

const keysOf: Readonly<Record<Layout, Keys>> = {
  us: {
    plain: '`1234567890-=' + 'qwertyuiop[]\\' + "asdfghjkl;'" + 'zxcvbnm,./',
    shift: '~!@#$%^&*()_+' + 'QWERTYUIOP{}|' + 'ASDFGHJKL:"' + 'ZXCVBNM<>?',
    further: {},
    dead: '',
  },
  de: {
    plain: '^1234567890ß´' + 'qwertzuiopü+#' + 'asdfghjklöä' + 'yxcvbnm,.-',
    shift: '°!"§$%&/()=?`' + "QWERTZUIOPÜ*'" + 'ASDFGHJKLÖÄ' + 'YXCVBNM;:_',
    further: {
      '<': ['IntlBackslash'],
      '>': ['IntlBackslash', 'ShiftLeft'],
      '|': ['IntlBackslash', 'AltRight'],
      '²': ['Digit2', 'AltRight'],
      '³': ['Digit3', 'AltRight'],
      '{': ['Digit7', 'AltRight'],
      '[': ['Digit8', 'AltRight'],
      ']': ['Digit9', 'AltRight'],
      '}': ['Digit0', 'AltRight'],
      '\\': ['Minus', 'AltRight'],
      '@': ['KeyQ', 'AltRight'],
      '€': ['KeyE', 'AltRight'],
      '~': ['BracketRight', 'AltRight'],
      'µ': ['KeyM', 'AltRight'],
    },
    dead: '^´`',
  },
};

const named: Readonly<Record<string, Stroke>> = {
  ' ': { code: 'Space', keysym: 0x20, held: [] },
  '\n': { code: 'Enter', keysym: 0xff0d, held: [] },
  '\t': { code: 'Tab', keysym: 0xff09, held: [] },
};

/** The keysym of a character: Latin-1 as it is, everything else by its code point (X11 keysym encoding). */
export function keysymOf(character: string): number {
  const code = character.codePointAt(0) ?? 0;
  return code <= 0xff ? code : 0x0100_0000 + code;
}

/** The keys to press for a character on such a keyboard; null: it has none for it. */
export function strokesOf(layout: Layout, character: string): readonly Stroke[] | null {
  const special = named[character];
  if (special !== undefined) return [special];
  const { plain, shift, further, dead } = keysOf[layout];
  const stroke = (code: string, held: Stroke['held']): Stroke => ({ code, keysym: keysymOf(character), held });
  const after = dead.includes(character) && named[' '] !== undefined ? [named[' ']] : [];
  const [code, ...held] = further[character] ?? [];
  if (code !== undefined) return [stroke(code, held)];
  for (const [signs, with_] of [[plain, []], [shift, ['ShiftLeft']]] as const) {
    const place = places[[...signs].indexOf(character)];
    if (place !== undefined) return [stroke(place, with_), ...after];
  }
  return null;
}

/** A text as keys, and which of its characters, each once, cannot be typed. */
export function strokesOfText(layout: Layout, text: string): { readonly strokes: readonly Stroke[]; readonly cannot: readonly string[] } {
  const strokes: Stroke[] = [];
  const cannot = new Set<string>();
  for (const character of text.replace(/\r\n?/g, '\n')) {
    const those = strokesOf(layout, character);
    if (those === null) cannot.add(character);
    else strokes.push(...those);
  }
  return { strokes, cannot: [...cannot] };
}
