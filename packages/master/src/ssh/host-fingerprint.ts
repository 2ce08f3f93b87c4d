import { createHash, timingSafeEqual } from 'node:crypto';
import type { HostKeySeen } from '../services/host-install-ports';

/** A public key as SSH sends it (RFC 4253 6.6), as `ssh-keygen -l` says it. */
export function seenKey(blob: Buffer): HostKeySeen {
  const length = blob.length >= 4 ? blob.readUInt32BE(0) : 0;
  return { keyType: blob.subarray(4, 4 + Math.min(length, 64)).toString('latin1').replace(/[^A-Za-z0-9@.-]/g, '?'), fingerprint: keyFingerprint(blob) };
}

/** @param blob a public key as SSH sends it */
export function keyFingerprint(blob: Buffer): string {
  return `SHA256:${createHash('sha256').update(blob).digest('base64').replace(/=+$/, '')}`;
}

/** In the same time wherever they differ. */
export function isSameFingerprint(one: string, other: string): boolean {
  const [left, right] = [Buffer.from(one), Buffer.from(other)];
  return left.length === right.length && timingSafeEqual(left, right);
}
