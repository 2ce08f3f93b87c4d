import { ParavclError } from '@paravcl/shared/errors';
import { frequentPasswords } from './frequent-passwords';

const leastOwnCharacters = 6;
const leastDifferent = 4;

/**
 * Refuses passwords that a guesser tries first: the most frequent ones, runs and repetitions, and the
 * person's or the site's name with a little around it. Length is the contract's rule; there are no rules
 * of composition (NIST 800-63B 5.1.1.2).
 *
 * @param names user name, display name, and the names of the site
 * @param field where the password stands in the request
 * @throws ParavclError `invalid-input`
 */
export function refuseGuessable(password: string, names: readonly string[], field: string): void {
  const text = password.normalize('NFKC').toLowerCase();
  if (frequentPasswords.has(text)) throw guessable(field, 'is among the most frequent passwords of the world');
  if (new Set(text).size < leastDifferent || isRun(text)) throw guessable(field, 'is a repetition or a run of neighbours');
  for (const name of names.flatMap((each) => [each, ...each.split(/[^\p{L}\p{N}]+/u)])) {
    const word = name.normalize('NFKC').toLowerCase();
    if (word.length < 3 || !text.includes(word)) continue;
    if (text.replaceAll(word, '').length < leastOwnCharacters) throw guessable(field, `is little more than the name ${word.slice(0, 40)}`);
  }
}

/** abcdefghij, 0987654321 and the like: every character the next or the one before, around the end too. */
function isRun(text: string): boolean {
  const codes = [...text].map((character) => character.codePointAt(0) ?? 0);
  return [1, -1].some((step) => codes.slice(1).every((code, i) => code - (codes[i] ?? 0) === step || Math.abs(code - (codes[i] ?? 0)) === 9));
}

function guessable(field: string, why: string): ParavclError {
  return new ParavclError('invalid-input', `${field}: ${why}. Take a few words that do not belong together.`, { field, limit: 'not easily guessed' });
}
