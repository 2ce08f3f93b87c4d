import fc from 'fast-check';
import { extensionFault, movedWindow, nextStarts, windowFault } from './reservation-window';
import type { ReservationRules } from './reservation-rules';

const hour = 3_600_000;
const at = (text: string): number => Date.parse(text);
const iso = (moment: number): string => new Date(moment).toISOString().slice(0, 16);
const defaults: ReservationRules = {
  timeZone: 'Europe/Berlin', opensAtMinute: 480, closesAtMinute: 1320, latestStartMinute: null, stepMinutes: 60, minMinutes: 60, maxMinutes: 240, firstDay: 0, lastDay: 14, mostOpen: 3, moveSteps: 1,
};
const always: ReservationRules = { ...defaults, opensAtMinute: 0, closesAtMinute: 1440 };
const report: ReservationRules = { ...defaults, opensAtMinute: 540, closesAtMinute: 1260, latestStartMinute: 1020, firstDay: 1, lastDay: 1 };
/** Tue 24 November 2026, 09:30 in Berlin. */
const now = at('2026-11-24T08:30Z');
const window = (start: string, hours: number): { start: number; end: number } => ({ start: at(start), end: at(start) + hours * hour });
const sentence = (start: string, hours: number, rules = defaults): string | undefined => windowFault(rules, window(start, hours), now)?.sentence;

describe('a window', () => {
  it('is allowed when it lies on the grid, within the opening hours and the horizon', () => {
    expect(sentence('2026-11-24T09:00Z', 4)).toBeUndefined();
    expect(sentence('2026-11-24T20:00Z', 1)).toBeUndefined();
    expect(sentence('2026-12-08T07:00Z', 1)).toBeUndefined();
  });

  it('is refused with its limit and a way out, field by field', () => {
    expect(windowFault(defaults, window('2026-11-24T08:00Z', 1), now)).toEqual({ field: 'start', limit: 'from now on', sentence: 'Tue 09:00 is past; it is Tue 09:30 now. Choose a later start.' });
    expect(windowFault(defaults, window('2026-11-24T10:00Z', -1), now)).toMatchObject({ field: 'end', sentence: 'It would end Tue 10:00, which is not after its start, Tue 11:00. Choose Tue 12:00 or later as its end.' });
    expect(windowFault(defaults, window('2026-11-24T10:00Z', 0), now)).toMatchObject({ field: 'end' });
    expect(sentence('2026-12-09T10:00Z', 1)).toBe('Wed 9 Dec 11:00 is too far ahead: reservations begin at most 14 days ahead. Choose a start up to Tue 8 Dec.');
    expect(windowFault(defaults, window('2026-11-25T06:00Z', 2), now)).toMatchObject({ field: 'start', limit: '08:00 to 22:00' });
    expect(windowFault(defaults, window('2026-11-25T20:00Z', 2), now)).toEqual({
      field: 'end', limit: '08:00 to 22:00', sentence: 'Wed 21:00 to 23:00 is not within the opening hours, 08:00 to 22:00. Choose a time that lies wholly within them.',
    });
    expect(sentence('2026-11-25T09:00:30Z', 1)).toBe('30 s past Wed 10:00 is between two starts: reservations begin every 1 h from midnight, without seconds. Choose 10:00 or 11:00.');
    expect(sentence('2026-11-25T09:20Z', 1)).toBe('Wed 10:20 is between two starts: reservations begin every 1 h from midnight. Choose 10:00 or 11:00.');
    expect(sentence('2026-11-25T09:00Z', 0.5)).toBe('30 min is too short: a reservation lasts 1 h to 4 h. Choose a later end.');
    expect(sentence('2026-11-25T09:00Z', 5)).toBe('5 h is too long: a reservation lasts 1 h to 4 h. Choose an earlier end, or reserve twice.');
    expect(sentence('2026-11-25T09:00Z', 1.5)).toContain('90 min is not a whole number of steps');
  });

  it('is for tomorrow only where the site says so, as in 2014', () => {
    expect(sentence('2026-11-25T08:00Z', 4, report)).toBeUndefined();
    expect(sentence('2026-11-24T13:00Z', 1, report)).toBe('Reservations are for tomorrow only, not for Tue 14:00. Choose a start on Wed.');
    expect(sentence('2026-11-26T08:00Z', 1, report)).toContain('for tomorrow only');
    expect(sentence('2026-11-25T17:00Z', 1, report)).toBe('Wed 18:00 is too late: reservations begin at 17:00 at the latest. Choose an earlier start or another day.');
  });

  it('may reach over midnight only where nothing is ever closed', () => {
    expect(sentence('2026-11-24T22:00Z', 3, always)).toBeUndefined();
    expect(sentence('2026-11-24T22:00Z', 3, { ...always, opensAtMinute: 60 })).toContain('opening hours');
    expect(sentence('2026-11-24T22:00Z', 1, { ...defaults, closesAtMinute: 1440 })).toBeUndefined();
  });

  it('is measured in time that really passes on both days of the change', () => {
    const spring = at('2026-03-28T08:00Z');
    expect(windowFault(always, window('2026-03-29T00:00Z', 1), spring)).toBeNull();
    // 01:00 to 04:00 on the wall are two hours.
    expect(windowFault({ ...always, maxMinutes: 120 }, { start: at('2026-03-29T01:00+01:00'), end: at('2026-03-29T04:00+02:00') }, spring)).toBeNull();
    const autumn = at('2026-10-24T08:00Z');
    expect(windowFault({ ...always, maxMinutes: 120 }, { start: at('2026-10-25T01:00+02:00'), end: at('2026-10-25T03:00+01:00') }, autumn)?.sentence).toContain('3 h is too long');
  });

  it('is within tomorrow by the date of the zone, not by 24 hours', () => {
    expect(windowFault(report, window('2026-03-29T07:00Z', 1), at('2026-03-28T22:30Z'))).toBeNull();
    expect(windowFault(report, window('2026-03-30T07:00Z', 1), at('2026-03-28T22:30Z'))?.sentence).toContain('for tomorrow only');
    expect(windowFault(report, window('2026-03-30T07:00Z', 1), at('2026-03-28T23:30Z'))).toBeNull();
    expect(windowFault(report, window('2026-03-30T07:00Z', 1), at('2026-03-29T22:00Z'))?.sentence).toContain('for tomorrow only');
  });

  it('may end later once it has begun, within the length and the hours', () => {
    expect(extensionFault(defaults, window('2026-11-24T08:00Z', 3), now)).toBeNull();
    expect(extensionFault(defaults, window('2026-11-24T08:00Z', 5), now)?.sentence).toContain('too long');
    expect(extensionFault(defaults, window('2026-11-24T20:00Z', 2), now)?.field).toBe('end');
  });
});

describe('the next starts', () => {
  const first = (rules: ReservationRules, from: string, hours: number, count: number): string[] => {
    const starts: string[] = [];
    for (const start of nextStarts(rules, at(from), hours * hour)) {
      starts.push(iso(start));
      if (starts.length === count) break;
    }
    return starts;
  };

  it('are those from now on, then those of the next day', () => {
    expect(first(defaults, '2026-11-24T16:30Z', 4, 3)).toEqual(['2026-11-24T17:00', '2026-11-25T07:00', '2026-11-25T08:00']);
    expect(first(report, '2026-11-24T16:30Z', 4, 99)).toEqual(['08', '09', '10', '11', '12', '13', '14', '15', '16'].map((h) => `2026-11-25T${h}:00`));
    expect(first(defaults, '2026-11-24T16:30Z', 15, 9)).toEqual([]);
  });

  it('leave out the hour that spring leaves out, and have the one of autumn twice', () => {
    expect(first(always, '2026-03-28T23:00Z', 1, 4)).toEqual(['2026-03-28T23:00', '2026-03-29T00:00', '2026-03-29T01:00', '2026-03-29T02:00']);
    expect(first(always, '2026-10-24T23:00Z', 1, 4)).toEqual(['2026-10-24T23:00', '2026-10-25T00:00', '2026-10-25T01:00', '2026-10-25T02:00']);
    expect(first({ ...always, timeZone: 'Australia/Lord_Howe' }, '2026-04-04T13:00Z', 1, 4)).toEqual(['2026-04-04T13:00', '2026-04-04T14:00', '2026-04-04T15:30', '2026-04-04T16:30']);
    expect(first({ ...defaults, timeZone: 'Asia/Kathmandu' }, '2026-04-04T13:00Z', 1, 2)).toEqual(['2026-04-04T13:15', '2026-04-04T14:15']);
  });

  const zones = fc.constantFrom('Europe/Berlin', 'America/Santiago', 'Australia/Lord_Howe', 'Asia/Kathmandu', 'UTC');
  const anyRules = fc
    .record({ zone: zones, opens: fc.integer({ min: 0, max: 20 }), open: fc.integer({ min: 4, max: 24 }), step: fc.constantFrom(15, 30, 60, 120), firstDay: fc.integer({ min: 0, max: 1 }), lastDay: fc.integer({ min: 1, max: 3 }) })
    .map(({ zone, opens, open, step, firstDay, lastDay }): ReservationRules => ({
      ...defaults, timeZone: zone, opensAtMinute: opens * 60, closesAtMinute: Math.min(1440, (opens + open) * 60), stepMinutes: step, minMinutes: step, firstDay, lastDay,
    }));
  // Around the changes of all of these zones.
  const moments = fc.tuple(fc.constantFrom('2026-03-28T12:00Z', '2026-10-24T12:00Z', '2026-04-04T12:00Z', '2026-09-05T12:00Z', '2026-10-03T12:00Z'), fc.integer({ min: -2000, max: 2000 })).map(([day, minutes]) => at(day) + minutes * 60_000);

  it('are in order, each once, and every one is allowed when it is asked for', () => {
    fc.assert(
      fc.property(anyRules, moments, fc.integer({ min: 1, max: 2 }), (rules, from, steps) => {
        const lengthMs = steps * rules.stepMinutes * 60_000;
        let before = from - 1;
        for (const start of nextStarts(rules, from, lengthMs)) {
          expect(start).toBeGreaterThan(before);
          expect(windowFault(rules, { start, end: start + lengthMs }, from)).toBeNull();
          before = start;
        }
      }),
      { numRuns: 120 },
    );
  });

  it('miss none that is allowed', () => {
    fc.assert(
      fc.property(anyRules, moments, (rules, from) => {
        const lengthMs = rules.stepMinutes * 60_000;
        const listed = new Set(nextStarts(rules, from, lengthMs));
        const quarter = 900_000;
        for (let start = Math.ceil(from / quarter) * quarter, n = 0; n < 120; start += quarter, n++) {
          if (windowFault(rules, { start, end: start + lengthMs }, from) === null) expect(listed.has(start)).toBe(true);
        }
      }),
      { numRuns: 40 },
    );
  });

  it('are what a moved window begins at, later and as long as before', () => {
    fc.assert(
      fc.property(anyRules, moments, fc.integer({ min: 1, max: 3 }), (rules, from, steps) => {
        const lengthMs = rules.stepMinutes * 60_000;
        const listed = [...nextStarts(rules, from, lengthMs)];
        for (const start of listed) {
          const moved = movedWindow(rules, { start, end: start + lengthMs }, steps, from);
          if (moved === null) continue;
          expect(moved.end - moved.start).toBe(lengthMs);
          expect(moved.start).toBeGreaterThan(start);
          expect(listed).toContain(moved.start);
        }
      }),
      { numRuns: 40 },
    );
  });
});

describe('a moved window', () => {
  const moved = (start: string, hours: number, steps: number, rules = defaults): string | undefined => {
    const to = movedWindow(rules, window(start, hours), steps, now);
    return to === null ? undefined : `${iso(to.start)} ${iso(to.end)}`;
  };

  it('goes by whole steps within the hours and the horizon of its rules', () => {
    expect(moved('2026-11-25T09:00Z', 2, 1)).toBe('2026-11-25T10:00 2026-11-25T12:00');
    expect(moved('2026-11-25T09:00Z', 2, 2)).toBe('2026-11-25T11:00 2026-11-25T13:00');
    expect(moved('2026-11-25T19:00Z', 2, 1)).toBeUndefined();
    expect(moved('2026-12-08T22:00Z', 1, 1, always)).toBeUndefined();
    expect(moved('2026-11-25T16:00Z', 1, 1, report)).toBeUndefined();
  });

  it('is moved by an hour that really passes when the clocks change', () => {
    expect(iso((movedWindow(always, window('2026-03-29T00:00Z', 1), 1, at('2026-03-28T08:00Z')) as { start: number }).start)).toBe('2026-03-29T01:00');
    expect(iso((movedWindow(always, window('2026-10-25T00:00Z', 1), 1, at('2026-10-24T08:00Z')) as { start: number }).start)).toBe('2026-10-25T01:00');
  });
});
