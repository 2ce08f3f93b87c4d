import { createPublicKey, verify, type KeyObject } from 'node:crypto';

/** Whether the text is an Ed25519 public key (SPKI DER, base64url), written in the one canonical way. */
export function isAgentKey(publicKey: string): boolean {
  return keyOf(publicKey) !== null;
}

/** Whether `signature` (base64url) over `input` was made with the secret half of `publicKey` (RFC 8032). */
export function isSignedBy(publicKey: string, input: Buffer, signature: string): boolean {
  const key = keyOf(publicKey);
  return key !== null && verify(null, input, key, Buffer.from(signature, 'base64url'));
}

function keyOf(publicKey: string): KeyObject | null {
  const der = Buffer.from(publicKey, 'base64url');
  // Two texts of one key would pass for two keys.
  if (der.toString('base64url') !== publicKey) return null;
  try {
    const key = createPublicKey({ key: der, format: 'der', type: 'spki' });
    return key.asymmetricKeyType === 'ed25519' ? key : null;
  } catch {
    return null;
  }
}
