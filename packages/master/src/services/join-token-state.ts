import type { JoinTokenState } from '@paravcl/shared/api/join-tokens';
import type { EpochMs } from '@paravcl/shared/clock';

/** A used token is `used` for ever, whatever happened to it later; a revoked one is not merely expired. */
export function joinTokenState(token: { readonly usedAt: EpochMs | null; readonly revokedAt: EpochMs | null; readonly expiresAt: EpochMs }, now: EpochMs): JoinTokenState {
  if (token.usedAt !== null) return 'used';
  if (token.revokedAt !== null) return 'revoked';
  return token.expiresAt <= now ? 'expired' : 'open';
}
