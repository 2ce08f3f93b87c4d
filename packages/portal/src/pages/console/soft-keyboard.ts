/**
 * What a keyboard on the glass did to the text of a hidden field: it tells of no keys, but changes words at once and takes back what it
 * guessed. `back` characters were taken away at the end, then `text` was written.
 */
export function changeOf(before: string, after: string): { readonly back: number; readonly text: string } {
  const [old, now] = [[...before], [...after]];
  let same = 0;
  while (same < old.length && same < now.length && old[same] === now[same]) same += 1;
  return { back: old.length - same, text: now.slice(same).join('') };
}
