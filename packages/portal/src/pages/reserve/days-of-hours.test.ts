import { daysOf, freeIn, hasRoom, rowsOf, type CapacityHour } from './days-of-hours';
import { hourMs } from '../../states/zone-time';

const berlin = 'Europe/Berlin';

function hoursFrom(first: string, count: number): readonly CapacityHour[] {
  return Array.from({ length: count }, (_none, at) => ({ start: new Date(Date.parse(first) + at * hourMs).toISOString(), freeVcpus: 48 - at, freeRamMiB: 65_536, largestVcpus: 12, lentVcpus: 0 }));
}

it('puts hours on the dates of the site, whatever the zone of the browser', () => {
  const days = daysOf(hoursFrom('2026-12-06T23:00Z', 48), berlin, 7);
  expect(days.map(({ date, hours }) => [date, hours.length, hours[0]?.clock])).toEqual([
    ['2026-12-07', 24, '00:00'],
    ['2026-12-08', 24, '00:00'],
  ]);
});

it('keeps so many days and no more', () => {
  expect(daysOf(hoursFrom('2026-12-06T23:00Z', 72), berlin, 2)).toHaveLength(2);
});

it('shows the hour twice that autumn repeats, and nothing beside the second on other days', () => {
  const days = daysOf(hoursFrom('2026-10-24T22:00Z', 49), berlin, 7);
  expect(days.map(({ hours }) => hours.length)).toEqual([25, 24]);
  const rows = rowsOf(days);
  expect(rows).toHaveLength(25);
  expect(rows.slice(1, 5).map(({ clock, again }) => [clock, again])).toEqual([['01:00', 0], ['02:00', 0], ['02:00', 1], ['03:00', 0]]);
  const second = rows[3]?.cells ?? [];
  expect(second[1]).toBe('none');
  expect(second[0]).toMatchObject({ start: Date.parse('2026-10-25T01:00Z') });
});

it('leaves out the hour that spring leaves out, without moving what comes after it', () => {
  const days = daysOf(hoursFrom('2027-03-26T23:00Z', 47), berlin, 7);
  expect(days.map(({ hours }) => hours.length)).toEqual([24, 23]);
  const rows = rowsOf(days);
  expect(rows[2]).toMatchObject({ clock: '02:00' });
  expect(rows[2]?.cells[1]).toBe('none');
  expect(rows[3]?.cells.map((cell) => (typeof cell === 'string' ? cell : cell.clock))).toEqual(['03:00', '03:00']);
});

it('says of hours before now that they are past', () => {
  const rows = rowsOf(daysOf(hoursFrom('2026-12-07T13:00Z', 34), berlin, 7));
  expect(rows[0]?.clock).toBe('00:00');
  expect(rows[0]?.cells[0]).toBe('past');
  expect(rows[14]?.cells[0]).toMatchObject({ clock: '14:00' });
});

it('finds the least that is free in a span, and nothing of one that it does not reach', () => {
  const days = daysOf(hoursFrom('2026-12-06T23:00Z', 24), berlin, 7);
  const start = Date.parse('2026-12-07T08:00Z');
  expect(freeIn(days, { start, end: start + 2 * hourMs })).toBe(38);
  expect(freeIn(days, { start, end: start + 1.5 * hourMs })).toBe(38);
  expect(freeIn(days, { start, end: start + 24 * hourMs })).toBeNull();
});

it.each([
  [{ vcpus: 2, ramMiB: 1024, count: 6 }, true],
  [{ vcpus: 2, ramMiB: 1024, count: 7 }, false],
  [{ vcpus: 8, ramMiB: 1024, count: 1 }, false],
  [{ vcpus: 1, ramMiB: 40_000, count: 2 }, false],
])('has room for %o: %s', (need, expected) => {
  expect(hasRoom({ freeVcpus: 12, freeRamMiB: 65_536, largestVcpus: 6 }, need)).toBe(expected);
});
