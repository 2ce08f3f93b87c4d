import { tellDatedMoment, tellDatedWindow, tellLength, tellMoment, tellTimeOfDay, tellWindow } from './tell-time';

const at = (text: string): number => Date.parse(text);
const zone = 'Europe/Berlin';
const now = at('2026-11-24T08:00Z');

describe('a time as people are told it', () => {
  it('has its weekday within the week, its date beyond, and its year beyond that', () => {
    expect(tellMoment(at('2026-11-24T13:20Z'), zone, now)).toBe('Tue 14:20');
    expect(tellMoment(at('2026-11-30T13:20Z'), zone, now)).toBe('Mon 14:20');
    expect(tellMoment(at('2026-12-01T13:20Z'), zone, now)).toBe('Tue 1 Dec 14:20');
    expect(tellMoment(at('2026-11-23T13:20Z'), zone, now)).toBe('Mon 23 Nov 14:20');
    expect(tellMoment(at('2027-01-05T13:20Z'), zone, now)).toBe('Tue 5 Jan 2027 14:20');
    expect(tellMoment(at('2026-11-24T23:30Z'), zone, now)).toBe('Wed 00:30');
  });

  it('says the day of an end only where it is another', () => {
    expect(tellWindow({ start: at('2026-11-24T13:20Z'), end: at('2026-11-24T15:20Z') }, zone, now)).toBe('Tue 14:20 to 16:20');
    expect(tellWindow({ start: at('2026-11-24T21:00Z'), end: at('2026-11-24T23:00Z') }, zone, now)).toBe('Tue 22:00 to Wed 00:00');
  });

  it('always has its date where it is kept', () => {
    expect(tellDatedMoment(at('2026-11-24T13:20Z'), zone, now)).toBe('Tue 24 Nov 14:20');
    expect(tellDatedWindow({ start: at('2026-11-24T13:20Z'), end: at('2026-11-24T15:20Z') }, zone, now)).toBe('Tue 24 Nov 14:20 to 16:20');
    expect(tellDatedWindow({ start: at('2026-11-24T21:00Z'), end: at('2026-11-24T23:00Z') }, zone, now)).toBe('Tue 24 Nov 22:00 to Wed 25 Nov 00:00');
  });

  it('tells apart the hour that autumn repeats', () => {
    const autumn = at('2026-10-24T08:00Z');
    expect(tellMoment(at('2026-10-25T00:30Z'), zone, autumn)).toBe('Sun 02:30 (UTC+2)');
    expect(tellMoment(at('2026-10-25T01:30Z'), zone, autumn)).toBe('Sun 02:30 (UTC+1)');
    expect(tellMoment(at('2026-10-25T02:00Z'), zone, autumn)).toBe('Sun 03:00');
  });

  it('writes lengths and times of day as people do', () => {
    expect([60, 90, 240, 1].map((minutes) => tellLength(minutes * 60_000))).toEqual(['1 h', '90 min', '4 h', '1 min']);
    expect([0, 480, 1325, 1440].map(tellTimeOfDay)).toEqual(['00:00', '08:00', '22:05', '24:00']);
  });
});
