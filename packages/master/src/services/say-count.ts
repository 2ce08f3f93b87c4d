/** "1 chunk", "2 chunks". */
export function many(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** The verb behind `many`. */
export function areOrIs(count: number): string {
  return count === 1 ? 'is' : 'are';
}
