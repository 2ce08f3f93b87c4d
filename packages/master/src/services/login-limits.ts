import type { EpochMs } from '@paravcl/shared/clock';
import { ParavclError } from '@paravcl/shared/errors';
import type { Repositories } from '../repositories/repositories';

export interface LoginLimits {
  readonly perAccount: { readonly failures: number; readonly windowMs: number };
  readonly perAddress: { readonly failures: number; readonly windowMs: number };
}

/** DEFINITIONS, "Defaults": a whole class shares one address. */
export const defaultLoginLimits: LoginLimits = {
  perAccount: { failures: 10, windowMs: 15 * 60_000 },
  perAddress: { failures: 300, windowMs: 60_000 },
};

/**
 * Whom an attempt is counted for: a user name, whether such a user exists or not, or null for secrets
 * that are no user's (codes and tokens), which count for the address alone.
 */
export interface Attempt {
  readonly userName: string | null;
  readonly clientAddress: string;
}

/** No user name: it begins with no letter. */
const noUser = '-';

/**
 * Refuses an attempt beyond the limits, before its secret is looked at: a locked account answers the
 * same for a right password, a wrong one and a user who does not exist.
 *
 * @throws ParavclError `rate-limited` with the seconds to wait
 */
export async function requireBelowLimits(read: Repositories, attempt: Attempt, limits: LoginLimits, now: EpochMs): Promise<void> {
  const { perAccount, perAddress } = limits;
  if (attempt.userName !== null) {
    const failures = await read.loginFailures.ofName(attempt.userName, now - perAccount.windowMs, perAccount.failures);
    refuseFrom(failures, perAccount, now, 'for this user name');
  }
  const failures = await read.loginFailures.ofAddress(attempt.clientAddress, now - perAddress.windowMs, perAddress.failures);
  refuseFrom(failures, perAddress, now, 'from this address');
}

export async function countFailure(write: Repositories, attempt: Attempt, now: EpochMs): Promise<void> {
  await write.loginFailures.insert(attempt.userName ?? noUser, attempt.clientAddress, now);
}

function refuseFrom(failures: readonly EpochMs[], limit: LoginLimits['perAccount'], now: EpochMs, where: string): void {
  const oldest = failures[limit.failures - 1];
  if (oldest === undefined) return;
  const retryAfterSeconds = Math.max(1, Math.ceil((oldest + limit.windowMs - now) / 1000));
  const window = limit.windowMs >= 120_000 ? `${limit.windowMs / 60_000} minutes` : `${limit.windowMs / 1000} seconds`;
  throw new ParavclError('rate-limited', `${limit.failures} failed attempts ${where} within ${window}. Try again in ${retryAfterSeconds} s.`, {
    limit: `${limit.failures} failures in ${window}`,
    retryAfterSeconds,
  });
}
