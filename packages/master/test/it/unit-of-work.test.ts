import { connect } from '../../src/db/connection';
import { openTestDatabase, type TestDatabase } from './test-database';

let database: TestDatabase;
beforeAll(async () => (database = await openTestDatabase()));
afterAll(() => database.close());

test('what throws leaves nothing', async () => {
  await expect(
    database.unit.transaction(async ({ settings }) => {
      await settings.put('half', 'made');
      throw new Error('changed my mind');
    }),
  ).rejects.toThrow('changed my mind');
  expect(await database.unit.read.settings.find('half')).toBeNull();
});

test('two transactions that deadlock both succeed in the end', async () => {
  const { settings } = database.unit.read;
  await settings.put('left', '0');
  await settings.put('right', '0');
  let runs = 0;
  let held = 0;
  let bothHoldOne: () => void = () => undefined;
  const together = new Promise<void>((resolve) => (bothHoldOne = resolve));
  const take = (first: string, second: string): Promise<void> =>
    database.unit.transaction(async (repositories) => {
      runs++;
      await repositories.settings.put(first, 'x');
      held++;
      if (held >= 2) bothHoldOne();
      await together;
      await repositories.settings.put(second, 'x');
    });
  await Promise.all([take('left', 'right'), take('right', 'left')]);
  expect(runs).toBeGreaterThan(2);
});

test('an error that is not about locks is not retried', async () => {
  let runs = 0;
  await expect(
    database.unit.transaction(({ settings }) => {
      runs++;
      return settings.put('n'.repeat(65), 'too long a name');
    }),
  ).rejects.toThrow(/Data too long/);
  expect(runs).toBe(1);
});

test('values keep their meaning: UTC dates to the millisecond, safe integers and decimals as numbers, text byte for byte', async () => {
  const at = new Date('2026-03-29T01:30:00.123Z'); // inside the hour that does not exist in Berlin
  const image = {
    id: 'x', friendly_id: 'EMI-X-1', kind: 'disk', name: `"'$(reboot)<x/>\\ 😀`, description: '', format: 'raw', size_bytes: 2 ** 52 + 1,
    sha256: 'f', state: 'ready', kernel_arguments: '', platform_value: 1.234567, created_by_user_id: 'y', created_at: at,
  };
  await database.db('images').insert(image);
  expect(await database.db('images').select(Object.keys(image)).where({ name: image.name }).first()).toEqual(image);
  expect(await database.db('images').count({ n: '*' }).sum({ total: 'size_bytes' }).first()).toEqual({ n: 1, total: 2 ** 52 + 1 });
});

test('machine words are compared byte by byte, people\'s words without case, and a stray accent in an id just finds nothing', async () => {
  const { db } = database;
  const find = (where: object) => db('images').count({ n: '*' }).where(where).first() as Promise<unknown>;
  await db('images').update({ name: 'CL II' });
  expect(await find({ kind: 'DISK' })).toEqual({ n: 0 });
  expect(await find({ name: 'cl ii' })).toEqual({ n: 1 });
  expect(await find({ id: 'é' })).toEqual({ n: 0 });
});

test('an update that changes nothing still counts the row it matched', async () => {
  expect(await database.db('images').where({ kind: 'disk' }).update({ kind: 'disk' })).toBe(1);
  expect(await database.db('images').where({ kind: 'kernel' }).update({ kind: 'disk' })).toBe(0);
});

test('every connection is strict, in UTC and READ COMMITTED', async () => {
  const db = connect(database.address, 1);
  try {
    const [rows] = (await db.raw('SELECT @@tx_isolation AS isolation, @@time_zone AS zone, @@sql_mode AS mode')) as [readonly Record<string, string>[]];
    expect(rows[0]).toMatchObject({ isolation: 'READ-COMMITTED', zone: '+00:00', mode: expect.stringContaining('STRICT_ALL_TABLES') as string });
  } finally {
    await db.destroy();
  }
});
