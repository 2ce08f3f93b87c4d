/**
 * Who may ask whom for what, without anybody keeping a list: TLS with a pre-shared key (RFC 4279). The master
 * gives each mirror a secret of its own at its welcome, and each asker, for each mirror and image, an identity and
 *
 *   key = HMAC-SHA-256(secret of the asked mirror, identity), first 16 bytes
 *
 * The asked mirror computes the same from the identity alone. Its certificate is the key: neither side needs another.
 * Both ends are this code, so one cipher suite is enough; the hash of every chunk vouches for the content.
 */
export interface PskIdentity {
  /** First characters of the SHA-256 (base64url) of the secret it was made with: after a restart of the master two are in use for a while. */
  readonly secretId: string;
  readonly slaveId: string;
  readonly manifest: string;
  readonly expiresAtMs: number;
}

export const pskCiphers = 'PSK-AES128-GCM-SHA256';
export const pskBytes = 16;
export const secretIdLength = 6;
/** An open connection outlives it; a new one needs a newer identity, which comes with `members`. */
export const pskLifetimeMs = 24 * 3_600_000;

/** At most 128 bytes (OpenSSL's PSK_MAX_IDENTITY_LEN in TLS 1.2). */
export function writePskIdentity({ slaveId, manifest, expiresAtMs, secretId }: PskIdentity): string {
  return `${slaveId}.${manifest}.${expiresAtMs.toString(36)}.${secretId}`;
}

/** Null when it is none. */
export function readPskIdentity(identity: string): PskIdentity | null {
  const match = /^([0-9a-f-]{36})\.([0-9a-f]{64})\.([0-9a-z]{6,10})\.([A-Za-z0-9_-]{6})$/.exec(identity);
  return match === null ? null : { slaveId: match[1] ?? '', manifest: match[2] ?? '', expiresAtMs: parseInt(match[3] ?? '', 36), secretId: match[4] ?? '' };
}
