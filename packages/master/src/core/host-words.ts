/** What nobody sees or what moves other text about: control and format characters, ends of lines and paragraphs, halves of characters. */
const unseen = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]+/gu;

/**
 * What a host said, fit for a sentence that people read: in one line, without characters that hide or turn around what stands beside them, and no
 * longer than this. A host may be anybody's.
 */
export function hostWords(text: string, most: number): string {
  // What is beyond is not even looked at: a line may be as long as a host likes.
  const plain = text.slice(0, 4 * most).replace(unseen, ' ').trim();
  return plain.length <= most ? plain : `${plain.slice(0, most - 1).replace(/[\uD800-\uDBFF]$/, '')}…`;
}
