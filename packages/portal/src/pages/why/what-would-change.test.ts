import { priorityOf } from '@paravcl/shared/priority';
import { changesOf } from './what-would-change';

const priority = priorityOf({ pfv: 3, ras: false, mon: true, ramMiB: 1024, minutes: 120 });
const lacking = { considered: 3, reasons: [{ reason: 'NotEnoughCores' as const, count: 2 }, { reason: 'NoSlaveFits' as const, count: 1 }], top: [] };

it('names what was lacking once, then what raises the priority and by how much', () => {
  const changes = changesOf({ kind: 'refuse', candidates: lacking, priority });
  expect(changes.map(({ what }) => what)).toEqual(['fewerCores', 'ras', 'halfRam', 'halfTime']);
  expect(changes[1]?.by).toBeCloseTo(0.2);
  expect(changes[3]?.by).toBeCloseTo(0.1386, 3);
});

it('says nothing of what was granted', () => {
  expect(changesOf({ kind: 'place', candidates: lacking, priority })).toEqual([]);
});

it('says nothing of the priority where none was compared', () => {
  expect(changesOf({ kind: 'queue', candidates: lacking, priority: null })).toEqual([{ what: 'fewerCores', by: null }]);
});
