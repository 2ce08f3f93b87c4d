import { createHash, randomBytes, randomInt } from 'node:crypto';

/** A secret for programs or for one click: 32 random bytes, with a prefix that scanners of leaked secrets can look for. */
export function newSecret(prefix: 'pvs' | 'pvt' | 'pva'): string {
  return `${prefix}_${randomBytes(32).toString('base64url')}`;
}

/**
 * What is stored of a random secret. Plain SHA-256 is enough for 256 random bits, and looking a hash up
 * by its index tells an observer of time nothing about the secret.
 */
export function hashSecret(secret: string): string {
  return createHash('sha256').update(secret, 'utf8').digest('hex');
}

/** Without I, L, O and U, which are misread or spell words (Crockford base32). */
const codeAlphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/** An enrolment code for a blackboard: `K7QM-2XWD-9HFT`, 60 random bits. */
export function newEnrolmentCode(): string {
  const characters = Array.from({ length: 12 }, () => codeAlphabet.charAt(randomInt(codeAlphabet.length))).join('');
  return `${characters.slice(0, 4)}-${characters.slice(4, 8)}-${characters.slice(8)}`;
}

/** Forgives what people do to codes they read from a blackboard: case, hyphens, blanks, O for 0, I and L for 1. */
export function hashEnrolmentCode(code: string): string {
  return hashSecret(code.toUpperCase().replace(/[\s-]/g, '').replaceAll('O', '0').replace(/[IL]/g, '1'));
}
