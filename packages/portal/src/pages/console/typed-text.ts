/** A text that is longer is asked about first: whoever meant to paste a command should not type a book. */
export const askedAbove = 2000;

const shownCharacters = 12;

/** Characters in a sentence: those without a shape by their code point. */
export function tellCharacters(characters: readonly string[]): string {
  const shown = characters.slice(0, shownCharacters).map((character) => (/^[\p{C}\p{Z}\p{M}]/u.test(character) ? `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}` : character));
  return `${shown.join(' ')}${characters.length > shownCharacters ? ' …' : ''}`;
}
