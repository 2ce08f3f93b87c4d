import { newId } from '@paravcl/shared/ids';
import type { PledgeRecord } from '../../src/repositories/pledge-repository';
import { sampleTime as now } from './sample-records';
import { openTestDatabase, type TestDatabase } from './test-database';

let database: TestDatabase;
beforeAll(async () => (database = await openTestDatabase()));
beforeEach(() => database.db('pledges').delete());
afterAll(() => database.close());

async function promised(userId: string, untilAt: number): Promise<Omit<PledgeRecord, 'state'>> {
  const pledge = { id: newId(now), userId, joinTokenId: newId(now), madeAt: now, untilAt };
  await database.unit.read.pledges.insert(pledge);
  return pledge;
}

test('a pledge is open until it is kept or broken, and that once', async () => {
  const { pledges } = database.unit.read;
  const pledge = await promised(newId(now), now + 1);
  expect(await pledges.ofUser(pledge.userId)).toEqual([{ ...pledge, state: 'open' }]);
  expect(await pledges.end(pledge.id, 'broken')).toBe(true);
  expect(await pledges.end(pledge.id, 'kept')).toBe(false);
  expect(await pledges.ofUser(pledge.userId)).toEqual([{ ...pledge, state: 'broken' }]);
});

test('open pledges are overdue from their time on, the oldest first', async () => {
  const { pledges } = database.unit.read;
  const [exact, older, broken] = [await promised(newId(now), now), await promised(newId(now), now - 1), await promised(newId(now), now - 2)];
  await promised(newId(now), now + 1);
  await pledges.end(broken.id, 'broken');
  expect((await pledges.overdue(now)).map(({ id }) => id)).toEqual([older.id, exact.id]);
});

test('a machine that came keeps what its person promised, not what was broken, and nobody else’s', async () => {
  const { pledges } = database.unit.read;
  const [userId, somebody] = [newId(now), newId(now)];
  const broken = await promised(userId, now);
  await pledges.end(broken.id, 'broken');
  await promised(userId, now);
  await promised(somebody, now);
  await pledges.keepOf(userId);
  expect((await pledges.ofUser(userId)).map(({ state }) => state)).toEqual(['kept', 'broken']);
  expect((await pledges.ofUser(somebody)).map(({ state }) => state)).toEqual(['open']);
});
