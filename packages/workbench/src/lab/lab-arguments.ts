/**
 * The words of the lab's command line in the order in which its parser takes them: the verb, `--dir`, the rest. People write `--dir`
 * before the verb as well, and behind the host of `exec`, where no command begins so. Without a verb a lab is brought up.
 */
export function inOrder(words: readonly string[]): readonly string[] {
  const { where, rest } = leadingDir(words);
  const [verb, ...more] = rest;
  if (verb === undefined || (verb.startsWith('-') && verb !== '--help' && verb !== '-h')) return ['up', ...where, ...rest];
  const [host, ...command] = more;
  if (verb !== 'exec' || host === undefined || host.startsWith('-')) return [verb, ...where, ...more];
  const behind = leadingDir(command);
  return [verb, ...where, ...behind.where, host, ...behind.rest];
}

function leadingDir(words: readonly string[]): { readonly where: readonly string[]; readonly rest: readonly string[] } {
  const [first] = words;
  const count = first === '--dir' && words.length > 1 ? 2 : first?.startsWith('--dir=') === true ? 1 : 0;
  return { where: words.slice(0, count), rest: words.slice(count) };
}
