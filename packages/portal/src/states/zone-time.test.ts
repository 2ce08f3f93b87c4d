import { addDays, beginOf, daysBetween, hourMs, momentOf, wallAt } from './zone-time';

const berlin = 'Europe/Berlin';

it('reads a time on the wall of the zone, and shows it again', () => {
  const at = momentOf({ date: '2026-12-07', time: '09:00' }, berlin);
  expect(at).toBe(Date.parse('2026-12-07T08:00Z'));
  expect(wallAt(at ?? 0, berlin)).toEqual({ date: '2026-12-07', time: '09:00' });
});

it('has no moment for the hour that spring leaves out', () => {
  expect(momentOf({ date: '2027-03-28', time: '02:30' }, berlin)).toBeNull();
  expect(momentOf({ date: '2027-03-28', time: '03:00' }, berlin)).toBe(Date.parse('2027-03-28T01:00Z'));
});

it('takes the first of the two hours of autumn', () => {
  expect(momentOf({ date: '2026-10-25', time: '02:00' }, berlin)).toBe(Date.parse('2026-10-25T00:00Z'));
  expect(momentOf({ date: '2026-10-25', time: '03:00' }, berlin)).toBe(Date.parse('2026-10-25T02:00Z'));
});

it.each(['', 'next week', '2026-13-01'])('has no moment for the date "%s"', (date) => {
  expect(momentOf({ date, time: '10:00' }, berlin)).toBeNull();
});

it('knows how long days are where the clocks change', () => {
  const length = (date: string): number => (beginOf(addDays(date, 1), berlin) - beginOf(date, berlin)) / hourMs;
  expect([length('2026-10-25'), length('2026-10-26'), length('2027-03-28')]).toEqual([25, 24, 23]);
});

it('begins a day where its midnight is left out', () => {
  // In Beirut the clocks of spring go from 00:00 to 01:00.
  expect(beginOf('2026-03-29', 'Asia/Beirut')).toBe(Date.parse('2026-03-28T22:00Z'));
});

it('counts dates over the end of a month and a year', () => {
  expect(addDays('2026-12-31', 1)).toBe('2027-01-01');
  expect(daysBetween('2026-11-29', '2027-01-01')).toBe(33);
});
