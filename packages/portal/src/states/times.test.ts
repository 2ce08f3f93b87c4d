import { timeWords } from './times';

const now = (): number => Date.parse('2026-12-07T08:00Z');
const at = (language: string, today: string) => timeWords(language, 'Europe/Berlin', now, today);

describe('a moment in words', () => {
  it('is of today, or has its day', () => {
    expect(at('en', 'today').moment('2026-12-07T12:05Z')).toBe('today 13:05');
    expect(at('en', 'today').moment('2026-12-08T08:00Z')).toBe('Tue 8 Dec, 09:00');
    expect(at('de', 'heute').moment('2026-12-08T08:00Z')).toBe('Di., 8. Dez., 09:00');
  });

  it('has its year where that is another, of the zone', () => {
    expect(at('en', 'today').moment('2027-12-07T08:00Z')).toBe('Tue, 7 Dec 2027, 09:00');
    expect(at('de', 'heute').moment('2027-12-07T08:00Z')).toBe('Di., 7. Dez. 2027, 09:00');
    expect(at('en', 'today').moment('2026-12-31T22:59Z')).toBe('Thu 31 Dec, 23:59');
    expect(at('en', 'today').moment('2026-12-31T23:00Z')).toBe('Fri, 1 Jan 2027, 00:00');
  });

  it('is told as a span by its two largest parts', () => {
    expect([0, 80 * 60_000, 49 * 3_600_000].map(at('en', 'today').span)).toEqual(['0 min', '1 h 20 min', '2 d 1 h']);
  });
});
