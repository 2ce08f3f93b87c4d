/** A public key in short: its kind, the end of it, and what its owner calls it. */
export function tellKey(line: string): string {
  const [kind = '', content = '', ...comment] = line.trim().split(' ');
  return [kind, `…${content.slice(-12)}`, comment.join(' ')].filter((part) => part !== '').join(' ');
}
