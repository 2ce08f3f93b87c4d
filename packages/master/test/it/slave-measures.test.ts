import { newId } from '@paravcl/shared/ids';
import { sampleTime as now } from './sample-records';
import { openTestDatabase, type TestDatabase } from './test-database';

let database: TestDatabase;
beforeAll(async () => (database = await openTestDatabase()));
afterAll(() => database.close());

test('the first save is believed; of each one after it three tenths are', async () => {
  const { saveSpeeds } = database.unit.read;
  const slaveId = newId(now);
  await saveSpeeds.learn(slaveId, 100, now);
  expect((await saveSpeeds.all()).get(slaveId)).toEqual({ mibPerSecond: 100, samples: 1 });
  await saveSpeeds.learn(slaveId, 200, now + 1);
  await saveSpeeds.learn(newId(now), 7, now + 1);
  const learned = (await saveSpeeds.all()).get(slaveId);
  expect(learned?.mibPerSecond).toBeCloseTo(130, 9);
  expect(learned?.samples).toBe(2);
});

test('time online is added up per slave from a day on, however many add at once', async () => {
  const { presence } = database.unit.read;
  const [slaveId, other] = [newId(now), newId(now)];
  await Promise.all(Array.from({ length: 5 }, () => presence.add(slaveId, '2026-03-02', 1000.4)));
  await presence.add(slaveId, '2026-03-01', 10);
  await presence.add(slaveId, '2026-02-28', 1);
  await presence.add(other, '2026-02-28', 7);
  expect(await presence.since('2026-03-01')).toEqual(new Map([[slaveId, 5010]]));
  expect(await presence.deleteBefore('2026-03-01', 1)).toBe(1);
  expect(await presence.deleteBefore('2026-03-01', 10)).toBe(1);
  expect(await presence.since('2000-01-01')).toEqual(new Map([[slaveId, 5010]]));
});
