import { timesIn } from './times';

const times = timesIn('Europe/Berlin', () => Date.parse('2026-12-07T08:00Z'));

it('tells moments in the zone of the site, with the day where it is not today and the year where it is another', () => {
  expect(['2026-12-07T12:05Z', '2026-12-08T08:00Z', '2027-12-07T08:00Z', '2026-12-31T23:00Z'].map(times.moment)).toEqual(['today 13:05', 'Tue 8 Dec, 09:00', 'Tue, 7 Dec 2027, 09:00', 'Fri, 1 Jan 2027, 00:00']);
  expect(times.moment(null)).toBe('-');
});

it('tells how far away they are', () => {
  expect([times.away('2026-12-07T09:20Z'), times.away('2026-12-05T07:00Z')]).toEqual(['in 1 h 20 min', '2 d 1 h ago']);
});
