import type { Notice } from '@paravcl/shared/domain/notice';
import { arrivals } from './arrivals';

const notice = (id: string, readAt: string | null = null): Notice => ({ id, at: '2026-12-01T10:00:00.000Z', kind: 'instance.resumed', subject: { type: 'instance', id: 'i' }, sentence: id, decisionId: null, readAt });

describe('notices that arrive', () => {
  it('are none of those that were there when one came', () => {
    expect(arrivals(null, [notice('a')])).toMatchObject({ said: [], more: 0 });
  });

  it('are said once, oldest first', () => {
    const first = arrivals(null, [notice('a')]);
    const second = arrivals(first.seen, [notice('c'), notice('b'), notice('a')]);
    expect(second.said.map(({ id }) => id)).toEqual(['b', 'c']);
    expect(arrivals(second.seen, [notice('c'), notice('b'), notice('a')]).said).toEqual([]);
  });

  it('are counted where they are many', () => {
    const { said, more } = arrivals(new Set(), ['f', 'e', 'd', 'c', 'b', 'a'].map((id) => notice(id)));
    expect(said.map(({ id }) => id)).toEqual(['d', 'e', 'f']);
    expect(more).toBe(3);
  });

  it('are not said again when one was read elsewhere', () => {
    expect(arrivals(new Set(), [notice('a', '2026-12-01T10:01:00.000Z')]).said).toEqual([]);
  });
});
