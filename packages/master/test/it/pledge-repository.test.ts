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

test('open ones are told oldest first, and a person’s newest first, however they ended', async () => {
  const { pledges } = database.unit.read;
  const userId = newId(now);
  const [kept, first, second] = [await promised(userId, now), await promised(newId(now), now + 2), await promised(userId, now + 1)];
  await pledges.end(kept.id, 'kept');
  expect((await pledges.open()).map(({ id }) => id)).toEqual([first.id, second.id]);
  expect((await pledges.ofUser(userId)).map(({ state }) => state)).toEqual(['open', 'kept']);
});
