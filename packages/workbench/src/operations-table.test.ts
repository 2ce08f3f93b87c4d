import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const root = resolve(__dirname, '../../..');
const page = readFileSync(join(root, 'docs/operations.md'), 'utf8');

/** Rows of the table under this heading, without its head. */
function rowsUnder(heading: string): readonly (readonly string[])[] {
  const section = page.split(`## ${heading}\n`)[1]?.split('\n## ')[0] ?? '';
  return section
    .split('\n')
    .filter((line) => line.startsWith('| '))
    .slice(1)
    .map((line) => line.slice(1, -1).split(' | ').map((cell) => cell.trim()));
}

const dying = rowsUnder('What happens when something dies');
const roomless = rowsUnder('What happens when there is no room');
const rows = [...dying, ...roomless];

interface Named {
  readonly file: string;
  readonly title: string;
}

/** Tests a row names, each as `path/to/file.test.ts › title`. */
function testsOf(row: readonly string[]): readonly Named[] {
  return [...(row.at(-1) ?? '').matchAll(/`([^`›]+\.test\.ts) › ([^`]+)`/g)].map(([, file = '', title = '']) => ({ file, title }));
}

/** Whether a file has a test, or an `it`, of exactly this title. */
function hasTest(text: string, title: string): boolean {
  return ['test', 'it'].some((verb) => [`'`, '`', '"'].some((quote) => text.includes(`${verb}(${quote}${title}${quote}`)));
}

it('names what dies in twenty rows of six cells', () => {
  expect(dying.map((row) => row.length)).toEqual(Array.from({ length: 20 }, () => 6));
  expect(new Set(dying.map(([what]) => what)).size).toBe(20);
});

it('names what happens without room in twelve rows of five cells', () => {
  expect(roomless.map((row) => row.length)).toEqual(Array.from({ length: 12 }, () => 5));
  expect(new Set(roomless.map(([what]) => what)).size).toBe(12);
});

it.each(rows.map((row) => [row[0] ?? '', row] as const))('proves by a real test what it says of: %s', (_, row) => {
  const named = testsOf(row);
  expect(named.length).toBeGreaterThan(0);
  for (const { file, title } of named) {
    expect([file, existsSync(join(root, file))]).toEqual([file, true]);
    expect([title, hasTest(readFileSync(join(root, file), 'utf8'), title)]).toEqual([title, true]);
  }
});

it('would see a title that no test has', () => {
  expect(hasTest("test('it heals', () => undefined)", 'it heals')).toBe(true);
  expect(hasTest("test('it heals slowly', () => undefined)", 'it heals')).toBe(false);
});
