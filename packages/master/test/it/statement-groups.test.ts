import fc from 'fast-check';
import { StatementGroups } from '../../src/db/statement-groups';
import { insertText, valueText } from '../../src/repositories/insert-text';
import { insertRows } from '../../src/repositories/insert-rows';
import { openTestDatabase, type TestDatabase } from './test-database';

let database: TestDatabase;
beforeAll(async () => (database = await openTestDatabase()));
afterAll(() => database.close());
beforeEach(() => database.db('settings').delete());

const setting = (name: string, value: string): string => insertText('settings', [{ name, value }]);
const named = async (): Promise<readonly string[]> => database.db('settings').orderBy('name').pluck<string[]>('name');

describe.each([
  ['go together', () => new StatementGroups(database.together)],
  ['go one by one', () => new StatementGroups(database.db)],
])('a transaction whose statements %s', (_, groups) => {
  it('writes what is made of what it looked at', async () => {
    await insertRows(database.db, 'settings', [{ name: 'before', value: '1' }]);
    await groups().transaction(['SELECT 1 AS one', "SELECT value FROM settings WHERE name = 'before'"], (answers) => ({
      statements: [setting('after', JSON.stringify(answers)), setting('more', '')],
      done: undefined,
    }));
    expect(await database.db('settings').orderBy('name').select('name', 'value')).toEqual([
      { name: 'after', value: '[[{"one":1}],[{"value":"1"}]]' },
      { name: 'before', value: '1' },
      { name: 'more', value: '' },
    ]);
  });

  it.each([
    ['a statement that fails', () => ({ statements: [setting('after', '1'), setting('before', 'again'), setting('more', '1')], done: undefined })],
    ['a caller that changes its mind', () => { throw new Error('changed my mind'); }],
  ])('leaves nothing after %s, and the connection can be used again', async (_what, then) => {
    await insertRows(database.db, 'settings', [{ name: 'before', value: '1' }]);
    await expect(groups().transaction(['SELECT 1'], then)).rejects.toThrow();
    expect(await named()).toEqual(['before']);
    await groups().transaction(['SELECT 1'], () => ({ statements: [setting('after', '2')], done: undefined }));
    expect(await named()).toEqual(['after', 'before']);
  });

  it('leaves nothing when its connection is lost, and the next one gets another', async () => {
    const lost = groups().transaction(['SELECT CONNECTION_ID() AS id FOR UPDATE'], ([rows]) => {
      const id = Number(rows?.[0]?.['id']);
      return { statements: [setting('half', '1'), `KILL ${valueText(id)}`], done: undefined };
    });
    await expect(lost).rejects.toThrow();
    expect(await named()).toEqual([]);
    await groups().transaction(['SELECT 1'], () => ({ statements: [setting('whole', '1')], done: undefined }));
    expect(await named()).toEqual(['whole']);
  });
});

test('every text is read back as it was written, whichever way it went', async () => {
  const groups = new StatementGroups(database.together);
  const any = fc.oneof(fc.string({ unit: 'binary', maxLength: 60 }), fc.array(fc.constantFrom('\0', "'", '"', '\\', ';', '?', '??', '--', '\n', '\x1a', ':a', '%', '`', '/*', 'é', '😀'), { maxLength: 30 }).map((parts) => parts.join('')));
  await fc.assert(
    fc.asyncProperty(any, any, async (one, other) => {
      await database.db('settings').delete();
      await insertRows(database.db, 'settings', [{ name: 'one', value: one }]);
      await groups.transaction(['SELECT 1'], () => ({ statements: [setting('other', other)], done: undefined }));
      expect(await database.db('settings').orderBy('name').pluck('value')).toEqual([one, other]);
    }),
    { numRuns: 200 },
  );
});

test('a second statement is refused on all other connections', async () => {
  await expect(database.db.raw("SELECT 1; DELETE FROM settings WHERE name = 'x'")).rejects.toThrow(/syntax/);
});
