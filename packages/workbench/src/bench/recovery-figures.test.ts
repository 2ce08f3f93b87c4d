import type { RecoveryRecord } from '../recovery/recovery-record';
import { figuresOf } from './recovery-figures';

const record: RecoveryRecord = {
  at: '2026-03-02T08:00:00.000Z', commit: 'a'.repeat(40), dirty: false, seed: 7, faults: 200, byKind: {}, byStage: {}, violations: [], convergeS: 4.5, unknownCalls: 3, ends: { done: 9, failed: 0, superseded: 1 }, paths: {},
};
const holds = (of: RecoveryRecord | null, head = record.commit) => figuresOf(of, head).map((figure) => figure.holds);

test('the figures of a clean run of this very commit hold', () => {
  expect(figuresOf(record, record.commit)).toMatchObject([{ name: 'violations', value: 0, holds: true }, { name: 'converge_s', value: 4.5, holds: true }]);
});

test('no record, another commit, a changed tree or a run of a few faults proves nothing', () => {
  expect(holds(null)).toEqual([false, false]);
  expect(holds(record, 'b'.repeat(40))).toEqual([false, false]);
  expect(holds({ ...record, dirty: true })).toEqual([false, false]);
  expect(holds({ ...record, faults: 199 })).toEqual([false, false]);
  expect(figuresOf({ ...record, faults: 199 }, record.commit)[0]?.baseline?.name).toContain('takes 200');
  expect(figuresOf(null, 'b')[0]?.baseline?.name).toContain('npm run test:system');
});

test('one violation, or a fleet that never settled, does not hold', () => {
  expect(holds({ ...record, violations: ['Two guests share a disk.'] })).toEqual([false, true]);
  expect(holds({ ...record, convergeS: null })).toEqual([true, false]);
  expect(holds({ ...record, convergeS: 31 })).toEqual([true, false]);
});
