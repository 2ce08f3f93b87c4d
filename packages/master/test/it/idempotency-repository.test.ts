import { newId } from '@paravcl/shared/ids';
import { openTestDatabase, type TestDatabase } from './test-database';

const now = 1_700_000_000_000;
const hash = 'a'.repeat(64);
const user = newId(now);

let database: TestDatabase;
beforeAll(async () => (database = await openTestDatabase()));
afterAll(() => database.close());

test('of requests with one key at the same moment, one is new and the others wait', async () => {
  const keys = database.unit.read.idempotencyKeys;
  const begun = await Promise.all(Array.from({ length: 8 }, () => keys.begin(user, 'k1', hash, now)));
  expect(begun.filter((answer) => answer === 'new')).toHaveLength(1);
  expect(begun.filter((answer) => answer === 'running')).toHaveLength(7);
});

test('the same request again gets the first answer; another body is a mismatch; another user is somebody else', async () => {
  const keys = database.unit.read.idempotencyKeys;
  expect(await keys.begin(user, 'k2', hash, now)).toBe('new');
  await keys.finish(user, 'k2', { status: 202, response: '{"ok":"é"}' });
  expect(await keys.begin(user, 'k2', hash, now)).toEqual({ status: 202, response: '{"ok":"é"}' });
  expect(await keys.begin(user, 'k2', 'b'.repeat(64), now)).toBe('mismatch');
  expect(await keys.begin(newId(now), 'k2', hash, now)).toBe('new');
  expect(await keys.begin(user, 'K2', hash, now)).toBe('new');
});

test('a forgotten key is free again', async () => {
  const keys = database.unit.read.idempotencyKeys;
  await keys.begin(user, 'k3', hash, now);
  await keys.forget(user, 'k3');
  expect(await keys.begin(user, 'k3', 'b'.repeat(64), now)).toBe('new');
});

test('after a crash the unanswered keys are given back and the answered ones kept, until they are old', async () => {
  const keys = database.unit.read.idempotencyKeys;
  await keys.begin(user, 'answered', hash, now);
  await keys.finish(user, 'answered', { status: 204, response: null });
  await keys.begin(user, 'unanswered', hash, now);
  expect(await keys.forgetUnanswered()).toBeGreaterThanOrEqual(1);
  expect(await keys.begin(user, 'unanswered', hash, now)).toBe('new');
  expect(await keys.begin(user, 'answered', hash, now)).toEqual({ status: 204, response: null });
  expect(await keys.deleteOlderThan(now)).toBe(0);
  expect(await keys.deleteOlderThan(now + 1)).toBeGreaterThanOrEqual(2);
});
