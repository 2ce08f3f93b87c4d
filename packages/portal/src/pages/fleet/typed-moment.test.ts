import { momentOf, typedOf } from './typed-moment';

describe('a moment in a field', () => {
  it('comes back as it went in, to the minute', () => {
    expect(momentOf(typedOf('2026-11-30T08:05:00.000Z'))).toBe('2026-11-30T08:05:00.000Z');
  });

  it('is empty for what is none', () => {
    expect([typedOf(null), typedOf('soon'), momentOf(''), momentOf('soon')]).toEqual(['', '', '', '']);
  });
});
