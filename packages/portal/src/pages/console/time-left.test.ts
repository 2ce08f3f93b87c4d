import { nextLookMs, timeLeft } from './time-left';

const end = '2026-11-29T13:00:00.000Z';
const before = (minutes: number): number => Date.parse(end) - minutes * 60_000;

describe('the time that is left', () => {
  it('is short in the last ten minutes', () => {
    expect(timeLeft(end, before(10.1))).toMatchObject({ isShort: false });
    expect(timeLeft(end, before(10))).toEqual({ ms: 600_000, isShort: true });
  });

  it('is never below nothing, and null without an end', () => {
    expect(timeLeft(end, before(-5))).toEqual({ ms: 0, isShort: true });
    expect(timeLeft(null, 0)).toBeNull();
  });

  it('is looked at again when a minute is over', () => {
    expect(nextLookMs({ ms: 630_000, isShort: false })).toBe(30_000);
    expect(nextLookMs({ ms: 600_000, isShort: true })).toBe(60_000);
  });
});
