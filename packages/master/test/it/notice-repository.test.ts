import { newId } from '@paravcl/shared/ids';
import type { NewNotice } from '../../src/repositories/notice-repository';
import { sampleTime as now } from './sample-records';
import { openTestDatabase, type TestDatabase } from './test-database';

let database: TestDatabase;
beforeAll(async () => (database = await openTestDatabase()));
beforeEach(() => database.db('notices').delete());
afterAll(() => database.close());

async function told(userId: string, at = now, facts: Partial<NewNotice> = {}): Promise<string> {
  const id = newId(at);
  const notice: NewNotice = { id, userId, at, kind: 'instance.preempted', subjectType: 'instance', subjectId: newId(now), sentence: 'Saved for CL II.', decisionId: null, ...facts };
  await database.unit.read.notices.insert(notice);
  return id;
}

async function person(name: string, mail: string | null): Promise<string> {
  const id = newId(now);
  await database.unit.read.users.insert({ id, name, displayName: name, role: 'student', passwordHash: null, primaryGroupId: null, sshPublicKeys: [], mail }, now);
  return id;
}

test('a notice is read by its owner only, and the first reading stays', async () => {
  const userId = newId(now);
  const id = await told(userId);
  const { notices } = database.unit.read;
  expect(await notices.markRead(id, newId(now), now + 1)).toBe(false);
  expect((await notices.find(id))?.readAt).toBeNull();
  expect(await notices.markRead(id, userId, now + 2)).toBe(true);
  expect(await notices.markRead(id, userId, now + 3)).toBe(true);
  expect(await notices.find(id)).toMatchObject({ id, at: new Date(now).toISOString(), readAt: new Date(now + 2).toISOString(), decisionId: null });
});

test('people see their own, newest first, and only unread ones when they ask for those', async () => {
  const userId = newId(now);
  const [first, second] = [await told(userId), await told(userId)];
  await told(newId(now));
  const { notices } = database.unit.read;
  await notices.markRead(second, userId, now);
  expect((await notices.page({ userId, unread: false, limit: 10 })).items.map(({ id }) => id)).toEqual([second, first]);
  expect((await notices.page({ userId, unread: true, limit: 10 })).items.map(({ id }) => id)).toEqual([first]);
});

test('those are still to be mailed that were not, and whose people have an address and may come', async () => {
  const anna = await person('anna', 'anna@example.edu');
  const [mute, gone] = [await person('mute', null), await person('gone', 'gone@example.edu')];
  await database.unit.read.users.update(gone, { disabled: true });
  const [late, early] = [await told(anna, now + 2), await told(anna, now + 1)];
  for (const somebody of [mute, gone, newId(now)]) await told(somebody);
  await told(anna, now - 1);
  const { notices } = database.unit.read;
  const unmailed = await notices.unmailed(now, 10);
  expect(unmailed.map(({ notice, mail, userId, userName }) => [notice.id, mail, userId, userName])).toEqual([early, late].map((id) => [id, 'anna@example.edu', anna, 'anna']));
  expect(await notices.unmailed(now, 1)).toHaveLength(1);
  expect(await notices.unmailed(now, 10, ['anna@example.edu'])).toEqual([]);
  await notices.markMailed([early], now + 3);
  expect((await notices.unmailed(now, 10)).map(({ notice }) => notice.id)).toEqual([late]);
});
