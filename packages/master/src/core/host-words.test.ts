import fc from 'fast-check';
import { hostWords } from './host-words';

test('what hides, breaks or turns text around is a blank, and the rest is as it was said', () => {
  expect(hostWords('did:\u001b[31m it\u202e gnp.exe\u2028 and\u0000\u200b that\n', 100)).toBe('did: [31m it  gnp.exe  and  that');
  expect(hostWords('Größe: 4 GiB, 漢字, 🙂', 100)).toBe('Größe: 4 GiB, 漢字, 🙂');
});

test('whatever a host says, it is one line of no more than so many characters, and whole ones', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 400 }), fc.integer({ min: 1, max: 50 }), (text, most) => {
      const said = hostWords(text, most);
      expect(said.length).toBeLessThanOrEqual(most);
      expect(said).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u);
    }),
  );
});
