import { hourBegun, momentsOf, readMoment, wallAt, type ReadMoment } from './local-time';

const utc = (text: string): number => Date.parse(text);
const at = (text: string, zone: string): string => {
  const read = readMoment(text, zone);
  return read.kind === 'moment' ? new Date(read.at).toISOString() : read.sentence;
};
const fault = (read: ReadMoment): unknown => (read.kind === 'unknown' ? [read.field, read.limit] : read);

describe('a moment as people write it', () => {
  it('is itself with an offset, whatever the zone, and a time on the wall without one', () => {
    expect(at('2026-11-24T14:00+05:30', 'Europe/Berlin')).toBe('2026-11-24T08:30:00.000Z');
    expect(at('2026-11-24T14:00:00Z', 'Europe/Berlin')).toBe('2026-11-24T14:00:00.000Z');
    expect(at('2026-11-24T14:00', 'Europe/Berlin')).toBe('2026-11-24T13:00:00.000Z');
    expect(at('2026-07-24T14:00', 'Europe/Berlin')).toBe('2026-07-24T12:00:00.000Z');
    expect(at('2026-11-24T14:00', 'Asia/Kathmandu')).toBe('2026-11-24T08:15:00.000Z');
    expect(at('2026-11-24T14:00', 'UTC')).toBe('2026-11-24T14:00:00.000Z');
  });

  it('is refused in spring where the clocks leave it out, naming the gap', () => {
    expect(at('2026-03-29T02:30', 'Europe/Berlin')).toBe(
      'Sun 29 Mar 2026 02:30 does not exist in Europe/Berlin: the clocks go from 02:00 to 03:00 there. Choose 03:00 or later, or a time before 02:00.',
    );
    expect(at('2026-09-06T00:15', 'America/Santiago')).toContain('the clocks go from 00:00 to 01:00 there');
    expect(at('2026-10-04T02:15', 'Australia/Lord_Howe')).toContain('the clocks go from 02:00 to 02:30 there');
    expect(at('2026-03-29T03:00', 'Europe/Berlin')).toBe('2026-03-29T01:00:00.000Z');
    expect(at('2026-03-29T01:59', 'Europe/Berlin')).toBe('2026-03-29T00:59:00.000Z');
  });

  it('means the earlier one in autumn where the clocks show it twice', () => {
    expect(at('2026-10-25T02:30', 'Europe/Berlin')).toBe('2026-10-25T00:30:00.000Z');
    expect(at('2026-04-04T23:30', 'America/Santiago')).toBe('2026-04-05T02:30:00.000Z');
    expect(at('2026-04-05T01:45', 'Australia/Lord_Howe')).toBe('2026-04-04T14:45:00.000Z');
    expect(momentsOf(utc('2026-10-25T02:30Z'), 'Europe/Berlin').map((moment) => new Date(moment).toISOString())).toEqual(['2026-10-25T00:30:00.000Z', '2026-10-25T01:30:00.000Z']);
  });

  it('is refused in a zone that nobody knows, and when it is no date', () => {
    expect(fault(readMoment('2026-11-24T14:00', 'Europe/Nowhere'))).toEqual(['zone', 'a zone of the IANA list']);
    expect(at('2026-11-24T14:00', "'; drop")).toContain('There is no time zone "\'; drop".');
    expect(fault(readMoment('2026-02-30T14:00', 'UTC'))).toEqual(['moment', 'ISO 8601']);
    expect(fault(readMoment('soon', 'UTC'))).toEqual(['moment', 'ISO 8601']);
  });

  it('shows the same on the wall as was written, every quarter of an hour of both days of the change', () => {
    for (const [zone, day] of [['Europe/Berlin', '2026-03-29'], ['Europe/Berlin', '2026-10-25'], ['America/Santiago', '2026-09-05'], ['America/Santiago', '2026-04-04'], ['Australia/Lord_Howe', '2026-04-05']] as const) {
      for (let minute = 0; minute < 1440; minute += 15) {
        const wall = utc(`${day}T00:00Z`) + minute * 60_000;
        for (const moment of momentsOf(wall, zone)) expect(wallAt(moment, zone)).toBe(wall);
      }
    }
  });
});

it('an hour has begun when the clock on the wall says so, also where that is not at a whole hour of UTC', () => {
  const begun = (text: string, zone: string): string => new Date(hourBegun(utc(text), zone)).toISOString();
  expect(begun('2026-11-24T08:50:10Z', 'Europe/Berlin')).toBe('2026-11-24T08:00:00.000Z');
  expect(begun('2026-11-24T08:50:10Z', 'Asia/Kolkata')).toBe('2026-11-24T08:30:00.000Z');
  expect(begun('2026-11-24T08:10:10Z', 'Asia/Kathmandu')).toBe('2026-11-24T07:15:00.000Z');
  expect(begun('1969-12-31T23:50:00Z', 'UTC')).toBe('1969-12-31T23:00:00.000Z');
});
