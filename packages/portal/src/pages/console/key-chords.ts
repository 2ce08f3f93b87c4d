/** A key by its place and its name in X. */
export interface Key {
  readonly code: string;
  readonly keysym: number;
}

const control: Key = { code: 'ControlLeft', keysym: 0xffe3 };
const alt: Key = { code: 'AltLeft', keysym: 0xffe9 };
const functionKey = (number: number): Key => ({ code: `F${number}`, keysym: 0xffbd + number });

/** Keys that a browser or the person's own system keeps for itself, as they are named on the page: pressed in this order, released in the other. */
export const chords = {
  'Ctrl+Alt+Del': [control, alt, { code: 'Delete', keysym: 0xffff }],
  'Tab': [{ code: 'Tab', keysym: 0xff09 }],
  'Esc': [{ code: 'Escape', keysym: 0xff1b }],
  'Windows': [{ code: 'MetaLeft', keysym: 0xffeb }],
  'Alt+Tab': [alt, { code: 'Tab', keysym: 0xff09 }],
  'Alt+F4': [alt, functionKey(4)],
  'Ctrl+Alt+F1': [control, alt, functionKey(1)],
  'Ctrl+Alt+F2': [control, alt, functionKey(2)],
  'Ctrl+Alt+F3': [control, alt, functionKey(3)],
  'Ctrl+Alt+F4': [control, alt, functionKey(4)],
  'Ctrl+Alt+F5': [control, alt, functionKey(5)],
  'Ctrl+Alt+F6': [control, alt, functionKey(6)],
  'Ctrl+Alt+F7': [control, alt, functionKey(7)],
} as const satisfies Readonly<Record<string, readonly Key[]>>;
export type Chord = keyof typeof chords;
