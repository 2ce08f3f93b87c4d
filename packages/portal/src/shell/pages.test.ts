import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { subjectLink } from '../pages/fleet/subject-link';
import { linkOf } from '../pages/fleet/pool/use-item-words';
import { entryPages } from '../pages/login/pages';
import { pages } from './pages';

jest.mock('../pages/login/login-page', () => ({ LoginPage: () => null }));

const source = join(__dirname, '..');
const paths = [...entryPages, ...pages].map(({ path }) => path);
const patterns = paths.map((path) => new RegExp(`^${path.replace(/:\w+/g, '[^/]+')}$`));
const leads = (address: string): boolean => patterns.some((pattern) => pattern.test(address.replace(/[?#].*$/, '')));

/** Addresses that the portal links to or goes to, with `x` for what they are filled with, each with its file. */
function addresses(): readonly (readonly [string, string])[] {
  return readdirSync(source, { recursive: true, encoding: 'utf8' })
    .filter((file) => /(?<!\.test)\.tsx?$/.test(file))
    .flatMap((file) =>
      [...readFileSync(join(source, file), 'utf8').matchAll(/(?:\bto=\{?|\bnavigate\(|\bto: )["'`](\/[^"'`]*)["'`]/g)].map(
        ([, address = '']) => [address.replace(/\$\{noun[^}]*\}/g, 'images').replace(/\$\{[^}]*\}/g, 'x'), file] as const,
      ),
    );
}

test('whatever the portal links to is a page', () => {
  const all = addresses();
  expect(all.length).toBeGreaterThan(60);
  expect(all.filter(([address]) => !leads(address))).toEqual([]);
});

test('events and the pool’s calendar lead to pages of what they are about', () => {
  const types = ['slave', 'host-install', 'user', 'group', 'image', 'template', 'instance', 'deployment', 'reservation'] as const;
  expect(types.filter((type) => !leads(subjectLink({ type, id: 'x', name: 'x' } as Parameters<typeof subjectLink>[0]) ?? ''))).toEqual([]);
  expect((['instance', 'reservation'] as const).filter((kind) => !leads(linkOf({ kind, id: 'x' })))).toEqual([]);
});
