import { openTestDatabase, type TestDatabase } from './test-database';

let database: TestDatabase;
beforeAll(async () => (database = await openTestDatabase()));
afterAll(() => database.close());

test('masters that start at once agree on one site id, and it stays', async () => {
  const ids = await Promise.all(Array.from({ length: 8 }, (_, n) => database.unit.read.settings.siteId(1_700_000_000_000 + n)));
  expect(new Set(ids).size).toBe(1);
  expect(await database.unit.transaction(({ settings }) => settings.siteId(1))).toBe(ids[0]);
});

test('a setting is written, overwritten and read; an unknown one is null', async () => {
  const { settings } = database.unit.read;
  await settings.put('network', '{"cidr":"10.77.0.0/16"}');
  await settings.put('network', '{"name":"ü 網"}');
  expect(await settings.find('network')).toBe('{"name":"ü 網"}');
  expect(await settings.find('nothing')).toBeNull();
});

test('who writes a name waits for whoever has written it, also when nobody ever did before, and who shares it keeps writers out', async () => {
  const inside: string[] = [];
  const enter = (value: string) =>
    database.unit.transaction(async ({ settings }) => {
      await settings.put('calendar', value);
      inside.push('in');
      await settings.find('calendar');
      inside.push('out');
    });
  await Promise.all(Array.from({ length: 6 }, (_, n) => enter(String(n))));
  expect(inside).toEqual(Array.from({ length: 6 }, () => ['in', 'out']).flat());

  const seen: (string | null)[] = [];
  let writing = Promise.resolve();
  await database.unit.transaction(async ({ settings }) => {
    seen.push(await settings.shareLock('calendar'));
    await database.unit.transaction(async (beside) => void seen.push(await beside.settings.shareLock('calendar')));
    // Whoever comes after the writer waits behind it, so it comes last.
    writing = enter('later');
    seen.push(await settings.shareLock('calendar'));
  });
  await writing;
  expect(new Set(seen).size).toBe(1);
  expect(await database.unit.read.settings.find('calendar')).toBe('later');
});
