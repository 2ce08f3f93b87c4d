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

const spkiHead = Buffer.from('302a300506032b6570032100', 'hex');

function keyOf(publicKey: string): KeyObject | null {
  const der = Buffer.from(publicKey, 'base64url');
  // Two texts of one key would pass for two keys.
  if (der.toString('base64url') !== publicKey) return null;
  // An Ed25519 key in SPKI is these twelve bytes and its 32, never anything else (RFC 8410 4).
  if (der.length !== spkiHead.length + 32 || !der.subarray(0, spkiHead.length).equals(spkiHead)) return null;
  try {
    // As a JWK it is taken as it is; OpenSSL's search for a decoder of the DER takes longer than the check of a signature.
    return createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: der.subarray(spkiHead.length).toString('base64url') }, format: 'jwk' });
  } catch {
    return null;
  }
}
