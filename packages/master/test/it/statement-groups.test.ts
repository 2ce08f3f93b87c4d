import fc from 'fast-check';
import { StatementGroups } from '../../src/db/statement-groups';
import { insertText } from '../../src/repositories/insert-text';
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
  it('writes all of them in their order', async () => {
    await groups().transaction([setting('first', '1'), "UPDATE settings SET value = '2' WHERE name = 'first'", 'SELECT 1 AS one', setting('second', '')]);
    expect(await database.db('settings').orderBy('name').select('name', 'value')).toEqual([{ name: 'first', value: '2' }, { name: 'second', value: '' }]);
  });

  it('leaves nothing after a statement that fails, and the connection can be used again', async () => {
    await insertRows(database.db, 'settings', [{ name: 'before', value: '1' }]);
    await expect(groups().transaction([setting('after', '1'), setting('before', 'again'), setting('more', '1')])).rejects.toMatchObject({ errno: 1062 });
    expect(await named()).toEqual(['before']);
    await groups().transaction([setting('after', '2')]);
    expect(await named()).toEqual(['after', 'before']);
  });

  it('leaves nothing when its connection is lost, and the next one gets another', async () => {
    await expect(groups().transaction([setting('half', '1'), 'KILL CONNECTION_ID()'])).rejects.toThrow();
    expect(await named()).toEqual([]);
    await groups().transaction([setting('whole', '1')]);
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
      await groups.transaction([setting('other', other)]);
      expect(await database.db('settings').orderBy('name').pluck('value')).toEqual([one, other]);
    }),
    { numRuns: 200 },
  );
});

test('a second statement is refused on all other connections', async () => {
  await expect(database.db.raw("SELECT 1; DELETE FROM settings WHERE name = 'x'")).rejects.toThrow(/syntax/);
});
