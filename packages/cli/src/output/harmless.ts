/** C0, C1 and DEL, and what turns the direction of writing: a name must not move the cursor, or read as another one. */
const harmful = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

const asEscape = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;

/** A server's text for a terminal: on one line, and nothing in it is a command to the terminal. */
export function harmless(text: string): string {
  return text.replace(/\r\n|[\r\n\t]/g, ' ').replace(harmful, asEscape);
}

/** The same of a JSON text, in which all that is left of these stands inside of strings. */
export const harmlessJson = (json: string): string => json.replace(/[\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, asEscape);
