import { endOfDay, localStart, momentOf, weeksLater, weeksUntil } from './weekly';

const berlin = 'Europe/Berlin';

test('a weekly time keeps its place on the wall over both changes of the clock', () => {
  const before = Date.parse('2026-10-20T08:00:00Z');
  expect(localStart(before, berlin)).toBe('2026-10-20T10:00');
  const after = momentOf(weeksLater('2026-10-20T10:00', 1), berlin);
  expect(new Date(after ?? 0).toISOString()).toBe('2026-10-27T09:00:00.000Z');
  const spring = momentOf(weeksLater('2026-03-24T10:00', 1), berlin);
  expect(new Date(spring ?? 0).toISOString()).toBe('2026-03-31T08:00:00.000Z');
});

test('the hour that spring leaves out is no moment, and the one that comes twice is the earlier', () => {
  expect(momentOf('2026-03-29T02:30', berlin)).toBeNull();
  expect(new Date(momentOf('2026-10-25T02:30', berlin) ?? 0).toISOString()).toBe('2026-10-25T00:30:00.000Z');
});

test('weeks are split at the horizon and end with the last date', () => {
  const horizonEnd = endOfDay(Date.parse('2026-03-02T08:00:00Z'), 14, berlin);
  expect(horizonEnd).toBe('2026-03-17T00:00');
  expect(weeksUntil('2026-03-03T10:00', '2026-03-31', horizonEnd)).toEqual({ near: ['2026-03-03T10:00', '2026-03-10T10:00'], next: '2026-03-17T10:00' });
  expect(weeksUntil('2026-03-03T10:00', '2026-03-10', horizonEnd)).toEqual({ near: ['2026-03-03T10:00', '2026-03-10T10:00'], next: null });
  expect(weeksUntil('2026-03-03T10:00', '2026-03-02', horizonEnd)).toEqual({ near: [], next: null });
});
