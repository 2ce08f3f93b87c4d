import { timeWords } from '../../states/times';
import { tellWindow } from './tell-window';

const times = timeWords('en-GB', 'Europe/Berlin', () => Date.parse('2026-12-07T08:00Z'), 'today');

it.each([
  ['2026-12-07T09:00:00.000Z', '2026-12-07T11:00:00.000Z', 'today 10:00 – 12:00'],
  ['2026-12-08T09:00:00.000Z', '2026-12-08T11:00:00.000Z', 'Tue, 8 Dec, 10:00 – 12:00'],
  ['2026-12-07T22:30:00.000Z', '2026-12-07T23:30:00.000Z', 'today 23:30 – Tue, 8 Dec, 00:30'],
])('tells %s to %s as %s', (start, end, told) => {
  expect(tellWindow(times, start, end)).toBe(told);
});
