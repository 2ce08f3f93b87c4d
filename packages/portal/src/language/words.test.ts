import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { usedKeys } from './used-keys';

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
