import { z } from 'zod';

/**
 * A join token as people copy it: `pvj1.<secret>.<fingerprint>`. The secret is 32 random bytes; the
 * fingerprint is the SHA-256 of the master's CA certificate (DER), both base64url, so that an agent knows
 * its master before it sends the secret. `-` instead of a fingerprint: the master's certificate is
 * publicly trusted, verify it the ordinary way.
 */
const form = /^pvj1\.([A-Za-z0-9_-]{43})\.([A-Za-z0-9_-]{43}|-)$/;

export interface JoinTokenParts {
  readonly secret: string;
  /** SHA-256 of the CA certificate, base64url; null when the certificate is publicly trusted. */
  readonly caFingerprint: string | null;
}

export const joinTokenTextSchema = z.string().trim().regex(form, 'a join token: pvj1.…, copied whole');

export function formatJoinToken(parts: JoinTokenParts): string {
  return `pvj1.${parts.secret}.${parts.caFingerprint ?? '-'}`;
}

/** Null when the text is not a join token; blanks and line ends around it are allowed. */
export function parseJoinToken(text: string): JoinTokenParts | null {
  const match = form.exec(text.trim());
  if (match?.[1] === undefined || match[2] === undefined) return null;
  return { secret: match[1], caFingerprint: match[2] === '-' ? null : match[2] };
}
