import { daysOf } from './days-of-hours';
import { isWithin, movedTo, spanBetween } from './span';
import { hourMs } from '../../states/zone-time';

const from = Date.parse('2026-12-07T13:00Z');
const days = daysOf(
  Array.from({ length: 34 }, (_none, at) => ({ start: new Date(from + at * hourMs).toISOString(), freeVcpus: 4, freeRamMiB: 4096, largestVcpus: 4, lentVcpus: 0 })),
  'Europe/Berlin',
  7,
);
const at = (iso: string): number => Date.parse(iso);

it('spans the whole hours between two, in whichever order they were chosen', () => {
  const expected = { start: at('2026-12-07T14:00Z'), end: at('2026-12-07T17:00Z') };
  expect(spanBetween(at('2026-12-07T14:00Z'), at('2026-12-07T16:00Z'))).toEqual(expected);
  expect(spanBetween(at('2026-12-07T16:00Z'), at('2026-12-07T14:00Z'))).toEqual(expected);
});

it('marks an hour of which a span takes a part, and not the one that it ends at', () => {
  const span = { start: at('2026-12-07T14:30Z'), end: at('2026-12-07T16:00Z') };
  expect(['13', '14', '15', '16'].map((hour) => isWithin(span, at(`2026-12-07T${hour}:00Z`)))).toEqual([false, true, true, false]);
});

it('moves by an hour over midnight, and stays at both edges', () => {
  expect(movedTo(days, at('2026-12-07T22:00Z'), 'ArrowDown')).toBe(at('2026-12-07T23:00Z'));
  expect(movedTo(days, at('2026-12-07T23:00Z'), 'ArrowUp')).toBe(at('2026-12-07T22:00Z'));
  expect(movedTo(days, from, 'ArrowUp')).toBe(from);
  expect(movedTo(days, at('2026-12-08T22:00Z'), 'ArrowDown')).toBe(at('2026-12-08T22:00Z'));
});

it('moves by a day to the hour of the same name, or to the first that is left of it', () => {
  expect(movedTo(days, at('2026-12-07T15:00Z'), 'ArrowRight')).toBe(at('2026-12-08T15:00Z'));
  expect(movedTo(days, at('2026-12-08T08:00Z'), 'ArrowLeft')).toBe(from);
  expect(movedTo(days, at('2026-12-08T08:00Z'), 'ArrowRight')).toBe(at('2026-12-08T08:00Z'));
});

it('moves to the first and the last hour of the day', () => {
  expect(movedTo(days, at('2026-12-08T08:00Z'), 'Home')).toBe(at('2026-12-07T23:00Z'));
  expect(movedTo(days, at('2026-12-08T08:00Z'), 'End')).toBe(at('2026-12-08T22:00Z'));
});

it('begins at the first hour when what was focused is no longer there', () => {
  expect(movedTo(days, at('2026-12-01T08:00Z'), 'ArrowDown')).toBe(from);
});
