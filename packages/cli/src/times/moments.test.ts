import { durationMinutes } from './durations';
import { momentSaid, pastMoment } from './moments';

// Monday, 00:30 in Berlin, while it is Sunday in UTC.
const at = { zone: 'Europe/Berlin', now: Date.parse('2026-12-06T23:30Z') };
const said = (text: string): string => momentSaid(text, '--from', at);

it('reads times of day as the wall of the site shows them', () => {
  expect(['10:00', 'today 9:05', 'tomorrow 10:00', 'Tue 10:00', 'mon 10:00', 'friday 08:00', '2026-12-24 18:00', '2026-12-24T18:00'].map(said)).toEqual([
    '2026-12-07T10:00', '2026-12-07T09:05', '2026-12-08T10:00', '2026-12-08T10:00', '2026-12-14T10:00', '2026-12-11T08:00', '2026-12-24T18:00', '2026-12-24T18:00',
  ]);
});

it('reads moments that are no time of day', () => {
  expect(['now', 'in 2h', '+90m', '2026-12-24T18:00+01:00'].map(said)).toEqual(['2026-12-06T23:30:00.000Z', '2026-12-07T01:30:00.000Z', '2026-12-07T01:00:00.000Z', '2026-12-24T18:00+01:00']);
});

it.each(['', 'noon', '25:00', 'monkey 10:00', '2026-13-01 10:00', 'tomorrow'])('takes "%s" for no time, and says what one is', (text) => {
  expect(() => said(text)).toThrow(/--from takes a time such as "tomorrow 10:00"/);
});

it('reads how long something is to take', () => {
  expect(['90', '90m', '2h', '1h30m', '1.5h', '1d', '20min'].map((text) => durationMinutes(text, '--time'))).toEqual([90, 90, 120, 90, 90, 1440, 20]);
  expect(() => durationMinutes('soon', '--time')).toThrow('--time takes a time such as 90m, 2h or 1h30m, not "soon".');
});

it('reads moments that are over as so long ago, or as the wall of the site showed them', () => {
  const past = (text: string): string => pastMoment(text, '--since', at);
  expect(['2h', '90m', '1h 30m ago', '2d', 'today 0:10', '2026-12-01 08:00', '2026-07-01 08:00', '2026-12-01T08:00+01:00'].map(past)).toEqual([
    '2026-12-06T21:30:00.000Z', '2026-12-06T22:00:00.000Z', '2026-12-06T22:00:00.000Z', '2026-12-04T23:30:00.000Z', '2026-12-06T23:10:00.000Z', '2026-12-01T07:00:00.000Z', '2026-07-01T06:00:00.000Z', '2026-12-01T08:00+01:00',
  ]);
  expect(() => past('soon')).toThrow(/--since takes a time such as/);
});
