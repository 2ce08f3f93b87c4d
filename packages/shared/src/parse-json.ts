/** `JSON.parse` that admits it does not know what it returns. Throws SyntaxError. */
export function parseJson(text: string): unknown {
  return JSON.parse(text) as unknown;
}
