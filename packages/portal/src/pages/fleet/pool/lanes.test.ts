import type { PoolItem } from '@paravcl/shared/api/pool';
import { lanesOf, ticksOf } from './lanes';

const at = (hour: number): string => new Date(Date.UTC(2026, 10, 30, hour)).toISOString();
const item = (id: string, start: number, end: number | null): PoolItem => ({ kind: 'instance', id, name: id, userId: id, userName: id, machines: 1, vcpus: 1, ramMiB: 512, start: at(start), end: end === null ? null : at(end) });
const shown = (items: readonly PoolItem[]): unknown => lanesOf(items, at(10), at(20)).map((lane) => lane.map(({ item: { id }, start, width }) => [id, start, width]));

describe('the lanes of a slave in the calendar', () => {
  it('hold one after the other in one lane, and what overlaps in another', () => {
    expect(shown([item('b', 12, 15), item('a', 10, 12), item('c', 14, 20)])).toEqual([[['a', 0, 20], ['b', 20, 30]], [['c', 40, 60]]]);
  });

  it('cut what began before, and let what has no end reach to the end', () => {
    expect(shown([item('a', 8, 11), item('b', 15, null)])).toEqual([[['a', 0, 10], ['b', 50, 50]]]);
  });

  it('leave out what is not in the time that is shown', () => {
    expect(shown([item('a', 7, 9), item('b', 21, null)])).toEqual([]);
  });

  it('are told by moments from the first to the last', () => {
    expect(ticksOf(at(10), at(20), 3)).toEqual([at(10), at(15), at(20)]);
  });
});
