import type { Decision } from '@paravcl/shared/domain/decision';
import { newId } from '@paravcl/shared/ids';
import { priorityOf } from '@paravcl/shared/priority';
import { sampleTime as now } from './sample-records';
import { openTestDatabase, type TestDatabase } from './test-database';

let database: TestDatabase;
beforeAll(async () => (database = await openTestDatabase()));
afterAll(() => database.close());

function decision(subjectId: string, facts: Partial<Decision> = {}): Decision {
  return {
    id: newId(now), at: new Date(now).toISOString(), kind: 'place', subject: { type: 'instance', id: subjectId }, sentence: 'It goes to lab-pc-07. 😀',
    priority: priorityOf({ pfv: 1, ras: true, mon: false, ramMiB: 600, minutes: 45 }), chosen: { slaveId: newId(now) },
    candidates: { considered: 3, reasons: [{ reason: 'NotEnoughRam', count: 2 }], top: [{ slaveId: newId(now), score: 0.25, parts: { usedCores: 2 } }] },
    victims: [{ instanceId: newId(now), pi: 7.592904, saveSeconds: 12.5 }], policy: 'para/para', inputsHash: 'a'.repeat(64),
    ...facts,
  };
}

test('a decision comes back whole, with whom it is about', async () => {
  const { decisions } = database.unit.read;
  const made = decision(newId(now));
  const [userId, groupId] = [newId(now), newId(now)];
  await decisions.insert({ ...made, userId, groupId });
  expect(await decisions.find(made.id)).toEqual({ decision: made, userId, groupId });
  expect(await decisions.find(newId(now))).toBeNull();
});

test('those of one subject are told newest first', async () => {
  const { decisions } = database.unit.read;
  const subjectId = newId(now);
  const chain = [decision(subjectId, { kind: 'queue' }), decision(subjectId), decision(subjectId, { kind: 'preempt' })];
  for (const made of [...chain, decision(newId(now))]) await decisions.insert({ ...made, userId: newId(now), groupId: null });
  const first = await decisions.page({ subjectId, limit: 2 });
  expect(first.items.map(({ kind }) => kind)).toEqual(['preempt', 'place']);
  expect((await decisions.page({ subjectId, limit: 2, cursor: first.next ?? '' })).items).toEqual([chain[0]]);
});

test('a sentence longer than its column is cut there only', async () => {
  const { decisions } = database.unit.read;
  const made = decision(newId(now), { sentence: 'x'.repeat(1500) });
  await decisions.insert({ ...made, userId: newId(now), groupId: null });
  expect((await decisions.find(made.id))?.decision.sentence).toHaveLength(1500);
});

test('inputs are kept once, byte for byte, as long as the newest decision made of them', async () => {
  const { decisions } = database.unit.read;
  const body = Buffer.from([0x1f, 0x8b, 0x00, 0xff, 0x27, 0x5c, 0x0a]);
  await Promise.all(Array.from({ length: 4 }, (_, n) => database.unit.transaction((repositories) => repositories.decisions.keepInputs('b'.repeat(64), body, now + n))));
  await decisions.keepInputs('b'.repeat(64), Buffer.from('not the first'), now + 1000);
  expect(await decisions.inputs('b'.repeat(64))).toEqual(body);
  expect(await decisions.deleteInputsBefore(now + 1000, 10)).toBe(0);
  expect(await decisions.deleteInputsBefore(now + 1001, 10)).toBe(1);
  expect(await decisions.inputs('b'.repeat(64))).toBeNull();
});
