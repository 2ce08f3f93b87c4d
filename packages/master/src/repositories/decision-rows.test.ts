import type { Decision } from '@paravcl/shared/domain/decision';
import { newId } from '@paravcl/shared/ids';
import { parseJson } from '@paravcl/shared/parse-json';
import { priorityOf } from '@paravcl/shared/priority';
import fc from 'fast-check';
import { decisionFromRow, decisionToRow } from './decision-rows';

const at = Date.parse('2026-03-02T08:00:00.000Z');
const [slaveId, instanceId] = [newId(at), newId(at)];
const number = fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0);

/** Parts of scores, mostly the same of all, some with names that every object has. */
const partName = fc.constantFrom('usedCores', 'speed', '1', 'toString', 'constructor');
const parts = fc.dictionary(partName, number, { maxKeys: 4 });
const top = fc.oneof(
  fc.array(fc.record({ slaveId: fc.constant(slaveId), score: number, parts }), { maxLength: 4 }),
  parts.chain((same) => fc.array(fc.record({ slaveId: fc.constant(slaveId), score: number, parts: fc.constant(same) }), { maxLength: 4 })),
);
const decisions: fc.Arbitrary<Decision> = fc.record(
  {
    id: fc.constant(newId(at)), at: fc.constant(new Date(at).toISOString()), kind: fc.constantFrom('place' as const, 'queue' as const, 'preempt' as const),
    subject: fc.constantFrom({ type: 'instance' as const, id: instanceId }, { type: 'reservation' as const, id: instanceId }), sentence: fc.string({ maxLength: 1500, size: 'max' }),
    priority: fc.constant(priorityOf({ pfv: 1, ras: true, mon: false, ramMiB: 600, minutes: 45 })), chosen: fc.constant({ slaveId }),
    candidates: fc.record({ considered: fc.nat(), reasons: fc.constantFrom([], [{ reason: 'NotEnoughRam' as const, count: 2 }]), top }),
    victims: fc.constant([{ instanceId, pi: 7.5, saveSeconds: 12.5 }]), policy: fc.constant('para/para'), inputsHash: fc.constant('a'.repeat(64)),
  },
  { requiredKeys: ['id', 'at', 'kind', 'subject', 'sentence', 'priority', 'candidates', 'policy', 'inputsHash'] },
) as fc.Arbitrary<Decision>;

test('whatever was decided is read as it was written', () => {
  fc.assert(fc.property(decisions, (decision) => { expect(decisionFromRow(decisionToRow({ ...decision, userId: newId(at), groupId: null }))).toEqual(decision); }));
});

test('a row of a version that wrote the whole decision as its body is read as the same decision', () => {
  fc.assert(
    fc.property(decisions, (decision) => {
      const row = decisionToRow({ ...decision, userId: newId(at), groupId: null });
      expect(decisionFromRow({ ...row, body: JSON.stringify(decision) })).toEqual(decision);
    }),
  );
});

test('candidates that are scored alike name their parts once', () => {
  const like = { slaveId, score: 1, parts: { usedCores: 2, speed: 1 } };
  const [decision] = fc.sample(decisions, 1);
  if (decision === undefined) throw new Error('There is no decision.');
  const { body } = decisionToRow({ ...decision, candidates: { considered: 2, reasons: [], top: [like, like] }, userId: newId(at), groupId: null });
  expect((parseJson(body) as { readonly candidates: unknown }).candidates).toEqual({ considered: 2, reasons: [], parts: ['usedCores', 'speed'], rows: [[slaveId, 1, 2, 1], [slaveId, 1, 2, 1]] });
});
