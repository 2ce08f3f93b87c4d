import { momentTyped, typedOf } from './typed-moment';

const berlin = 'Europe/Berlin';

describe('a moment in a field', () => {
  it('stands on the wall of the site, wherever the browser is', () => {
    expect(typedOf('2026-11-30T08:05:00.000Z', berlin)).toBe('2026-11-30T09:05');
    expect(momentTyped('2026-11-30T09:05', 'America/New_York')).toBe('2026-11-30T14:05:00.000Z');
  });

  it('comes back as it went in, to the minute', () => {
    expect(momentTyped(typedOf('2026-11-30T08:05:00.000Z', berlin), berlin)).toBe('2026-11-30T08:05:00.000Z');
  });

  it('is an hour later where spring leaves it out', () => {
    expect(momentTyped('2027-03-28T02:30', berlin)).toBe('2027-03-28T01:30:00.000Z');
  });

  it('is empty for what is none', () => {
    expect([typedOf(null, berlin), typedOf('soon', berlin), momentTyped('', berlin), momentTyped('soon', berlin)]).toEqual(['', '', '', '']);
  });
});
