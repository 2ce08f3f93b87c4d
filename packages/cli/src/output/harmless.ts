import { invisibleCharacters } from '@paravcl/shared/domain/limits';

/** What joins emoji to one picture. */
const joiner = String.raw`(?<=\p{Extended_Pictographic}[\ufe0f\u{1f3fb}-\u{1f3ff}]?)\u200d(?=\p{Extended_Pictographic})`;
/** What moves the cursor, turns the direction of writing or is not seen: a name must not change what stands around it, or read as another one. */
const harmful = new RegExp(`(?!${joiner})(?:${invisibleCharacters.source})`, 'gu');

/** As JSON has it: an escape for each unit of UTF-16. */
const asEscape = (character: string): string => Array.from({ length: character.length }, (_, at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`).join('');

/** A server's text for a terminal: on one line, and nothing in it is a command to the terminal. */
export function harmless(text: string): string {
  return text.replace(/\r\n|[\r\n\t]/g, ' ').replace(harmful, asEscape);
}

/** The same of a JSON text, in which all that is left of these stands inside of strings; its own line ends stay. */
export const harmlessJson = (json: string): string => json.replace(harmful, (character) => (character === '\n' ? character : asEscape(character)));
