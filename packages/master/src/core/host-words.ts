import { invisibleCharacters } from '@paravcl/shared/domain/limits';

/** And halves of characters, which a name cannot have and a host's bytes may come to. */
const unseen = new RegExp(`(?:${invisibleCharacters.source}|\\p{Cs})+`, 'gu');

/**
 * What a host said, fit for a sentence that people read: in one line, without characters that hide or turn around what stands beside them, and no
 * longer than this. A host may be anybody's.
 */
export function hostWords(text: string, most: number): string {
  // What is beyond is not even looked at: a line may be as long as a host likes.
  const plain = text.slice(0, 4 * most).replace(unseen, ' ').trim();
  return plain.length <= most ? plain : `${plain.slice(0, most - 1).replace(/[\uD800-\uDBFF]$/, '')}…`;
}
