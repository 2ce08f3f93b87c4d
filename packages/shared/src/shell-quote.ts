/**
 * A command as the one text that SSH has for it (RFC 4254 6.5: the server hands it to the user's shell). Every word is given as itself,
 * whatever stands in it: in single quotes nothing is special to a POSIX shell but the single quote. Throws for a NUL, which no argument can hold.
 */
export function shellQuote(words: readonly string[]): string {
  return words.map(shellWord).join(' ');
}

/** One of them. */
export function shellWord(word: string): string {
  if (word.includes('\0')) throw new Error('An argument of a command holds a NUL.');
  return /^[A-Za-z0-9_./:@%+,-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
