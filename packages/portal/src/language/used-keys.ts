/** A key as a source file writes it. */
export interface UsedKey {
  readonly namespaces: readonly string[];
  readonly key: string;
  /** The key goes on with something that is only known later: `t(\`state.${state}\`)`. */
  readonly isPrefix: boolean;
}

/** The keys that a file of the portal asks for: literals and the beginnings of templates in the first argument of `t(…)`, and `words: 'home:nav'` of its pages. */
export function usedKeys(source: string): readonly UsedKey[] {
  const own = [...source.matchAll(/useTranslation\(\s*(\[[^\]]*\]|'[^']*')/g)].flatMap(([, said = '']) => [...said.matchAll(/'([^']+)'/g)].map(([, name = '']) => name));
  const found: UsedKey[] = [];
  const add = (text: string, isPrefix: boolean): void => {
    const [, namespace, key] = /^(?:([\w-]+):)?(.*)$/.exec(text) ?? [];
    if (key !== undefined && key !== '') found.push({ namespaces: namespace === undefined ? own : [namespace], key, isPrefix });
  };
  for (const { index } of source.matchAll(/(?<![\w.])t\(/g)) {
    // What a condition compares with is no key.
    const argument = firstArgument(source, index + 2).replace(/[=!]== '[^']*'/g, '');
    for (const [, key = ''] of argument.matchAll(/'([^']*)'/g)) add(key, false);
    for (const [, text = ''] of argument.matchAll(/`([^`]*)`/g)) add(text.split('${')[0] ?? '', text.includes('${'));
  }
  for (const [, key = ''] of source.matchAll(/words: '([^']+)'/g)) add(key, false);
  return found;
}

/** What stands between the parenthesis at `from` and its first comma or its end. */
function firstArgument(source: string, from: number): string {
  let depth = 0;
  for (let at = from; at < source.length; at += 1) {
    const each = source.charAt(at);
    if ('([{'.includes(each)) depth += 1;
    if (')]}'.includes(each) && depth > 0) depth -= 1;
    else if (each === ')' || (each === ',' && depth === 0)) return source.slice(from, at);
  }
  return source.slice(from);
}
