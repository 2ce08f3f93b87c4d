import { timeWords } from '../../states/times';
import { tellWindow } from './tell-window';

const times = timeWords('en-GB', 'Europe/Berlin', () => Date.parse('2026-12-07T08:00Z'), 'today');
const [monday, tuesday] = ['2026-12-07T09:00:00.000Z', '2026-12-08T09:00:00.000Z'];

it('names the day once where the end is on it', () => {
  expect(tellWindow(times, monday, '2026-12-07T11:00:00.000Z')).toBe('today 10:00 – 12:00');
  expect(tellWindow(times, tuesday, '2026-12-08T11:00:00.000Z')).toBe(`${times.moment(tuesday)} – 12:00`);
});

it('names the day of an end that is on another', () => {
  expect(tellWindow(times, monday, tuesday)).toBe(`today 10:00 – ${times.moment(tuesday)}`);
  // Midnight at the end is of the next day.
  expect(tellWindow(times, monday, '2026-12-07T23:00:00.000Z')).toBe(`today 10:00 – ${times.moment('2026-12-07T23:00:00.000Z')}`);
});
