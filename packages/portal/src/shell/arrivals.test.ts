import type { Notice } from '@paravcl/shared/domain/notice';
import { arrivals } from './arrivals';

/** `a` came first, each later letter a minute after the one before. */
const notice = (id: string, readAt: string | null = null): Notice => ({ id, at: `2026-12-01T10:${String(id.charCodeAt(0) - 97).padStart(2, '0')}:00.000Z`, kind: 'instance.resumed', subject: { type: 'instance', id: 'i' }, sentence: id, decisionId: null, readAt });

const nothing = { newestAt: '', ids: new Set<string>() };

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
    const { said, more } = arrivals(nothing, ['f', 'e', 'd', 'c', 'b', 'a'].map((id) => notice(id)));
    expect(said.map(({ id }) => id)).toEqual(['d', 'e', 'f']);
    expect(more).toBe(3);
  });

  it('are not those that only come into the window because newer ones were read', () => {
    const { seen } = arrivals(null, ['d', 'c', 'b'].map((id) => notice(id)));
    const next = arrivals(seen, ['d', 'b', 'a'].map((id) => notice(id)));
    expect(next).toMatchObject({ said: [], more: 0 });
    expect(arrivals(next.seen, ['e', 'd', 'b'].map((id) => notice(id))).said.map(({ id }) => id)).toEqual(['e']);
  });

  it('are said, too, when they came in the same moment as the newest that was seen', () => {
    const { seen } = arrivals(null, [notice('b')]);
    expect(arrivals(seen, [{ ...notice('c'), at: notice('b').at }, notice('b')]).said.map(({ id }) => id)).toEqual(['c']);
  });

  it('are not said again when one was read elsewhere', () => {
    expect(arrivals(nothing, [notice('a', '2026-12-01T10:01:00.000Z')]).said).toEqual([]);
  });
});
