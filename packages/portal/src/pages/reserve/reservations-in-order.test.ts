import { inOrder } from './reservations-in-order';

const now = Date.parse('2026-12-07T09:00Z');
const one = (id: string, state: 'confirmed' | 'active' | 'cancelled', start: string, end: string) => ({ id, state, start: `2026-12-${start}:00.000Z`, end: `2026-12-${end}:00.000Z` });

it('puts what comes first, the nearest on top, and what is over behind it, the latest on top', () => {
  const later = one('a', 'confirmed', '09T10:00', '09T12:00');
  const open = one('b', 'active', '07T08:00', '07T10:00');
  const cancelled = one('c', 'cancelled', '08T10:00', '08T12:00');
  const over = one('d', 'active', '06T08:00', '06T10:00');
  const { ahead, over: past } = inOrder([over, cancelled, later, open, later], now);
  expect(ahead.map(({ id }) => id)).toEqual(['b', 'a']);
  expect(past.map(({ id }) => id)).toEqual(['c', 'd']);
});
