/** Stored sentences have at most this many characters. */
const sentenceLimit = 1000;

/** Cuts at the limit of a stored sentence, visibly. */
export function fit(sentence: string): string {
  return sentence.length <= sentenceLimit ? sentence : `${sentence.slice(0, sentenceLimit - 1)}…`;
}

export function cores(count: number): string {
  return count === 1 ? '1 core' : `${count} cores`;
}

/** 1st, 2nd, 3rd, 4th, … 11th, 12th, 13th, … */
export function ordinal(n: number): string {
  const tens = n % 100;
  const ending = tens >= 11 && tens <= 13 ? 'th' : ({ 1: 'st', 2: 'nd', 3: 'rd' }[n % 10] ?? 'th');
  return `${n}${ending}`;
}

/** A priority as people compare it: two decimals, more only where two would look equal. */
export function twoPriorities(higher: number, lower: number): readonly [string, string] {
  for (const digits of [2, 4, 6]) {
    const [a, b] = [higher.toFixed(digits), lower.toFixed(digits)];
    if (a !== b || digits === 6) return [a, b];
  }
  return [String(higher), String(lower)];
}

/** "0.6": how fast one core is, the reference machine's being 1. */
export function saySpeed(speed: number): string {
  // As many digits as it has: what is a hair too slow must not look as if it were fast enough.
  return String(Math.round(speed * 10_000) / 10_000);
}

/** Words of the middle of a sentence, at its beginning. */
export function atTheBeginning(words: string): string {
  return `${words.slice(0, 1).toUpperCase()}${words.slice(1)}`;
}
