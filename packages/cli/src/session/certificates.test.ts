import { fingerprintOf, isFingerprint } from './certificates';

const fingerprint = fingerprintOf(Buffer.from('a certificate'));

it('knows a fingerprint in hexadecimal, with and without colons, and as a join token has it', () => {
  const hex = fingerprint.replaceAll(':', '');
  const base64url = Buffer.from(hex, 'hex').toString('base64url');
  for (const said of [fingerprint, hex, hex.toLowerCase(), `SHA256:${base64url}`, `sha256 Fingerprint=${fingerprint}`, base64url]) expect([said, isFingerprint(said, fingerprint)]).toEqual([said, true]);
});

it('takes no other, and no part of it', () => {
  for (const said of ['', fingerprint.slice(0, 40), fingerprintOf(Buffer.from('another'))]) expect(isFingerprint(said, fingerprint)).toBe(false);
});
