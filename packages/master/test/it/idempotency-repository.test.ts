import { newId } from '@paravcl/shared/ids';
import type { Begun } from '../../src/repositories/idempotency-repository';
import { openTestDatabase, type TestDatabase } from './test-database';

const now = 1_700_000_000_000;
const hash = 'a'.repeat(64);
const user = newId(now);

const subjectOf = (begun: Begun): string => ('subjectId' in begun ? begun.subjectId : '');

let database: TestDatabase;
beforeAll(async () => (database = await openTestDatabase()));
afterAll(() => database.close());

test('of requests with one key at the same moment, one is the first and the others wait', async () => {
  const keys = database.unit.read.idempotencyKeys;
  const begun = await Promise.all(Array.from({ length: 8 }, () => keys.begin(user, 'k1', hash, now)));
  expect(begun.filter((answer) => answer.kind === 'first')).toHaveLength(1);
  expect(begun.filter((answer) => answer.kind === 'running')).toHaveLength(7);
});

test('the same request again gets the first answer; another body is a mismatch; another user is somebody else', async () => {
  const keys = database.unit.read.idempotencyKeys;
  const first = await keys.begin(user, 'k2', hash, now);
  expect(first).toMatchObject({ kind: 'first' });
  await keys.finish(user, 'k2', subjectOf(first), 202, '{"ok":"é"}');
  expect(await keys.begin(user, 'k2', hash, now)).toEqual({ kind: 'answered', status: 202, answer: '{"ok":"é"}', begunAt: now });
  expect(await keys.begin(user, 'k2', 'b'.repeat(64), now)).toEqual({ kind: 'mismatch' });
  expect(await keys.begin(newId(now), 'k2', hash, now)).toMatchObject({ kind: 'first' });
  expect(await keys.begin(user, 'K2', hash, now)).toMatchObject({ kind: 'first' });
});

test('a forgotten key is free again', async () => {
  const keys = database.unit.read.idempotencyKeys;
  const first = await keys.begin(user, 'k3', hash, now);
  await keys.forget(user, 'k3', subjectOf(first));
  expect(await keys.begin(user, 'k3', 'b'.repeat(64), now)).toMatchObject({ kind: 'first' });
});

test('a request that was never answered keeps its key and the id reserved for what it makes, until it is old', async () => {
  const keys = database.unit.read.idempotencyKeys;
  await keys.finish(user, 'answered', subjectOf(await keys.begin(user, 'answered', hash, now)), 204, 'nothing');
  const first = await keys.begin(user, 'unanswered', hash, now);
  expect(await keys.begin(user, 'unanswered', hash, now + 5)).toEqual({ ...first, kind: 'running' });
  expect(await keys.begin(user, 'answered', hash, now)).toEqual({ kind: 'answered', status: 204, answer: 'nothing', begunAt: now });
  expect(await keys.deleteOlderThan(now, 100)).toBe(0);
  expect(await keys.deleteOlderThan(now + 1, 100)).toBeGreaterThanOrEqual(2);
});

test('a key that somebody else claimed since is neither forgotten nor answered for them', async () => {
  const keys = database.unit.read.idempotencyKeys;
  const first = await keys.begin(user, 'k4', hash, now);
  await keys.forget(user, 'k4', subjectOf(first));
  const second = await keys.begin(user, 'k4', hash, now + 1);
  await keys.forget(user, 'k4', subjectOf(first));
  await keys.finish(user, 'k4', subjectOf(first), 202, 'late');
  expect(await keys.look(user, 'k4', hash)).toEqual({ ...second, kind: 'running' });
});

test('looking at a key claims nothing', async () => {
  const keys = database.unit.read.idempotencyKeys;
  expect(await keys.look(user, 'k5', hash)).toBeNull();
  expect(await keys.begin(user, 'k5', hash, now)).toMatchObject({ kind: 'first' });
  expect(await keys.look(user, 'k5', 'b'.repeat(64))).toEqual({ kind: 'mismatch' });
});
