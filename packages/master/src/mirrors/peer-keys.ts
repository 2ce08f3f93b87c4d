import type { EpochMs } from '@paravcl/shared/clock';
import type { ManifestId } from '@paravcl/shared/chunks/manifest';
import { pskBytes, pskLifetimeMs, secretIdLength, writePskIdentity } from '@paravcl/shared/chunks/psk';
import { createHash, createHmac, randomBytes } from 'node:crypto';

/** What one mirror shows another to be served. */
export interface PeerKey {
  readonly identity: string;
  /** base64url */
  readonly key: string;
}

/**
 * The secrets of this start of the master, from which mirrors know whom to serve (shared/chunks/psk). Nothing is kept: each mirror's
 * secret follows from one root, so that a mirror that comes again gets the same.
 */
export class PeerKeys {
  private readonly root = randomBytes(32);

  /** What a mirror derives the keys of its askers from, base64url. */
  secretOf(slaveId: string): string {
    return this.secret(slaveId).toString('base64url');
  }

  /** For `askerId` to ask the mirror of `askedId` for one image, from `now` on for `pskLifetimeMs`. */
  keyFor(askerId: string, askedId: string, manifest: ManifestId, now: EpochMs): PeerKey {
    const secret = this.secret(askedId);
    const secretId = createHash('sha256').update(secret).digest('base64url').slice(0, secretIdLength);
    const identity = writePskIdentity({ slaveId: askerId, manifest, expiresAtMs: now + pskLifetimeMs, secretId });
    return { identity, key: createHmac('sha256', secret).update(identity).digest().subarray(0, pskBytes).toString('base64url') };
  }

  private secret(slaveId: string): Buffer {
    return createHmac('sha256', this.root).update(`mirror ${slaveId}`).digest();
  }
}
