import fc from 'fast-check';
import { formatJoinToken, parseJoinToken } from './join-token-text';

const part = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes).toString('base64url'));

test('a join token is read back as it was written, with blanks around it', () => {
  fc.assert(
    fc.property(part, fc.option(part), (secret, caFingerprint) => {
      expect(parseJoinToken(` ${formatJoinToken({ secret, caFingerprint })}\n`)).toEqual({ secret, caFingerprint });
    }),
  );
});

test.each(['', 'pvj1', 'pvj1.a.b', `pvj2.${'a'.repeat(43)}.-`, `pvj1.${'a'.repeat(42)}.-`, `pvj1.${'a'.repeat(43)}`, `pvj1.${'a'.repeat(43)}.- x`])(
  '%j is not a join token',
  (text) => {
    expect(parseJoinToken(text)).toBeNull();
  },
);
