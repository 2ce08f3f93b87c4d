import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A key as a source file writes it. */
interface UsedKey {
  readonly namespaces: readonly string[];
  readonly key: string;
  /** The key goes on with something that is only known later: `t(\`state.${state}\`)`. */
  readonly isPrefix: boolean;
}

/** The keys that a file of the portal asks for: literals and the beginnings of templates in the first argument of `t(…)`, and `words: 'home:nav'` of its pages. */
function usedKeys(source: string): readonly UsedKey[] {
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

const source = join(__dirname, '..');
const plural = /_(zero|one|two|few|many|other)$/;

function words(language: string, namespace: string): ReadonlyMap<string, string> {
  const flat = new Map<string, string>();
  const flatten = (value: unknown, path: string): void => {
    if (typeof value === 'string') flat.set(path, value);
    else for (const [key, below] of Object.entries(value as Readonly<Record<string, unknown>>)) flatten(below, path === '' ? key : `${path}.${key}`);
  };
  flatten(JSON.parse(readFileSync(join(source, 'locales', language, `${namespace}.json`), 'utf8')), '');
  return flat;
}

const namespacesOf = (language: string): readonly string[] => readdirSync(join(source, 'locales', language)).map((file) => file.replace(/\.json$/, '')).sort();
const namespaces = namespacesOf('en');
const placeholders = (text: string): readonly string[] => [...new Set([...text.matchAll(/\{\{\s*(\w+)/g)].map(([, name = '']) => name))].sort();

const files = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter((file) => /\.tsx?$/.test(file) && !file.endsWith('.test.ts') && !file.startsWith('language'));

describe('the words of the portal', () => {
  it('have the same files in both languages', () => {
    expect(namespacesOf('de')).toEqual(namespaces);
    expect(namespaces).toContain('shell');
  });

  it.each(namespaces)('say the same things in both languages, with the same blanks to fill in: %s', (namespace) => {
    const [en, de] = [words('en', namespace), words('de', namespace)];
    expect([...de.keys()].sort()).toEqual([...en.keys()].sort());
    for (const [key, text] of en) expect([key, placeholders(de.get(key) ?? '')]).toEqual([key, placeholders(text)]);
  });

  it('are there for every key that a page asks for', () => {
    const known = new Map(namespaces.map((namespace) => [namespace, [...words('en', namespace).keys()].flatMap((key) => (plural.test(key) ? [key, key.replace(plural, '')] : [key]))]));
    const asked = files.flatMap((file) => usedKeys(readFileSync(join(source, file), 'utf8')).map((used) => ({ file, ...used })));
    const missing = asked.filter(({ key, isPrefix, namespaces: own }) => !own.some((namespace) => (known.get(namespace) ?? []).some((each) => (isPrefix ? each.startsWith(key) : each === key))));
    expect(missing.map(({ file, key, namespaces: own }) => `${file}: ${own.join('|')}:${key}`)).toEqual([]);
    expect(asked.length).toBeGreaterThan(30);
  });

  it('are found where they are asked for', () => {
    const text = "const { t } = useTranslation(['a', 'b']);\nt('one'); t(x === 'no' ? 'two' : 'three', { count }); t(`four.${x}`); t('c:five'); input('six');";
    expect(usedKeys(text).map(({ key, isPrefix, namespaces: own }) => [own.join(), key, isPrefix])).toEqual([['a,b', 'one', false], ['a,b', 'two', false], ['a,b', 'three', false], ['a,b', 'four.', true], ['c', 'five', false]]);
  });
});
