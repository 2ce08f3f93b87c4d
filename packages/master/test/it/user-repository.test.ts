import { newId } from '@paravcl/shared/ids';
import { sampleTime as now } from './sample-records';
import { openTestDatabase, type TestDatabase } from './test-database';

let database: TestDatabase;
beforeAll(async () => (database = await openTestDatabase()));
afterAll(() => database.close());

const anna = { id: newId(now), name: 'anna', displayName: 'Anna', role: 'student', passwordHash: null, primaryGroupId: null, sshPublicKeys: [] } as const;

test('a mail address is none until it is given, and can be taken back', async () => {
  const { users } = database.unit.read;
  await users.insert(anna, now);
  expect((await users.find(anna.id))?.mail).toBeNull();
  await users.update(anna.id, { mail: 'anna@example.edu' });
  await users.update(anna.id, { displayName: 'Anna B.' });
  expect((await users.findByName('anna'))?.mail).toBe('anna@example.edu');
  await users.update(anna.id, { mail: null });
  expect((await users.find(anna.id))?.mail).toBeNull();
});

test('opt-outs are counted, also when they come at once', async () => {
  const { users } = database.unit.read;
  expect(await users.optOuts(anna.id)).toBe(0);
  await Promise.all(Array.from({ length: 3 }, () => database.unit.transaction((repositories) => repositories.users.addOptOut(anna.id))));
  expect(await users.optOuts(anna.id)).toBe(3);
  expect(await users.optOuts(newId(now))).toBe(0);
});
