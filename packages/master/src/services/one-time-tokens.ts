import type { EpochMs } from '@paravcl/shared/clock';
import type { OneTimePurpose } from '../repositories/one-time-token-repository';
import type { Repositories } from '../repositories/repositories';
import { hashSecret, newSecret } from './secrets';

const hour = 3_600_000;

/** How long a token can be used. A password token is carried to a person; a setup token is typed at once. */
export const oneTimeLifetimeMs: Readonly<Record<OneTimePurpose, number>> = { setup: 24 * hour, password: 72 * hour };

export interface IssuedToken {
  /** Shown once; the database has its hash. */
  readonly token: string;
  readonly expiresAt: EpochMs;
}

/** Makes a token; earlier ones of the same purpose and user stop working. */
export async function issueToken(write: Repositories, purpose: OneTimePurpose, userId: string | null, now: EpochMs): Promise<IssuedToken> {
  const token = newSecret('pvt');
  const expiresAt = now + oneTimeLifetimeMs[purpose];
  await write.oneTimeTokens.revoke(purpose, userId);
  await write.oneTimeTokens.insert({ purpose, tokenHash: hashSecret(token), userId, expiresAt }, now);
  return { token, expiresAt };
}
