import fc from 'fast-check';
import { displayNameSchema } from './limits';

const refusal = (name: string): string | null => displayNameSchema.safeParse(name).error?.issues[0]?.message ?? null;

describe('a display name', () => {
  it.each([
    ['Latin, with marks of its own', 'Zoë Müller-Łukasiewicz'],
    ['Vietnamese, composed', 'Nguyễn Thị Ngọc Ánh'],
    ['Vietnamese, decomposed', 'Nguyễn Thị Ngọc Ánh'.normalize('NFD')],
    ['Hindi, with nukta, vowel sign and anusvara', 'श्रीमती ज़ींनत क्षांति'],
    ['Tamil', 'ஸ்ரீனிவாசன்'],
    ['Thai', 'น้องสมชายที่รัก'],
    ['Burmese, with four spacing and other marks in a row', 'ကျော်စွာ မြွှေ ကြွေး'],
    ['Khmer', 'ព្រះ ស្រ៊ុំ'],
    ['Tibetan, with stacked letters', 'བསྒྲུབས་རྒྱ'],
    ['Arabic with harakat', 'مُحَمَّدٌ بْنُ عَبْدِ ٱللّٰهِ'],
    ['Hebrew with niqqud', 'שָּׁלוֹם מֹשֶׁה'],
    ['Korean, decomposed', '김민준'.normalize('NFD')],
    ['Japanese, with the variant of an ideograph', '葛\u{E0100}城 さくら'],
    ['emoji with a presentation selector and a keycap', '❤️ 1️⃣ 🇩🇪 👍🏽'],
    ['punctuation alone', '$(…)'],
    ['a digit', '7'],
  ])('is one in %s', (_script, name) => {
    expect(refusal(name)).toBeNull();
  });

  const invisible = 'must not contain control or invisible characters';
  it.each(['\u3164', '\u115F', '\u1160', '\uFFA0', '\u2800', '\u034F', '\u17B4', '\u200B', '\u{E0020}'])('has no blank that passes for a letter (%j), alone or beside others', (blank) => {
    for (const name of [blank, `Ann${blank}e`, `${blank}${blank}Anne`]) expect(refusal(name)).toBe(invisible);
  });

  it('has at most three marks on one character, whatever they are and whatever stands before', () => {
    expect(refusal(`a${'\u0301'.repeat(3)}`)).toBeNull();
    const stacking = fc.constantFrom('\u0301', '\u0316', '\u0335', '\u0489', '\u20DD', '\u0E49', '\u0651', '\u05B8');
    fc.assert(
      fc.property(fc.string({ maxLength: 5 }), fc.array(stacking, { minLength: 4, maxLength: 90 }), (before, marks) => {
        expect(refusal(`a${before.replace(/\P{L}/gu, '')}${marks.join('')}b`)).toBe('at most three combining marks on one character');
      }),
    );
  });

  it.each(['\u0301', '\u0301 \u0301', '\uFE0F', '\u0903'])('has something that is seen (%j has not)', (name) => {
    expect(refusal(name)).toBe('must have a letter, a digit or a symbol that is seen');
  });

  it('that is accepted can be seen, and stays itself', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 40 }), (text) => {
        const parsed = displayNameSchema.safeParse(text);
        if (!parsed.success) return;
        expect(parsed.data).toBe(text.trim());
        expect(parsed.data).toMatch(/[\p{L}\p{N}\p{S}\p{P}]/u);
        expect(parsed.data).not.toMatch(/[\p{Mn}\p{Me}]{4}|[\p{Cc}\p{Cf}\u3164\u115F\u1160\uFFA0\u2800]/u);
      }),
    );
  });
});
