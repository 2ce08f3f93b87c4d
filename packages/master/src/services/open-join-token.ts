import type { EpochMs } from '@paravcl/shared/clock';
import { parseJoinToken } from '@paravcl/shared/domain/join-token-text';
import { ParavclError } from '@paravcl/shared/errors';
import type { JoinTokenRecord } from '../repositories/join-token-repository';
import type { Repositories } from '../repositories/repositories';
import { joinTokenHash } from './join-token-service';
import { joinTokenState } from './join-token-state';

/** The token that somebody shows. Throws `token-refused`: nothing is told to who holds no real one, not whether it is malformed, unknown or forgotten. */
export async function shownJoinToken({ joinTokens }: Pick<Repositories, 'joinTokens'>, text: string): Promise<JoinTokenRecord> {
  const parts = parseJoinToken(text);
  const token = parts === null ? null : await joinTokens.findByHash(joinTokenHash(parts.secret));
  if (token === null) throw new ParavclError('token-refused', 'This join token is wrong. Copy it whole, or ask for a new one.', { field: 'token' });
  return token;
}

/** Throws `token-refused` for one that lets nobody in any more. */
export function refuseUnlessOpen(token: JoinTokenRecord, now: EpochMs, lostRace = false): void {
  const state = joinTokenState(token, now);
  if (state === 'open' && !lostRace) return;
  const why = {
    open: 'was used by somebody else this very moment',
    used: 'was used already; it lets in one machine',
    expired: `expired at ${new Date(token.expiresAt).toISOString()}`,
    revoked: 'was revoked',
  }[state];
  throw new ParavclError('token-refused', `This join token ${why}. Ask for a new one.`, { field: 'token' });
}

/** Throws `token-refused` where the machine would be that of somebody whose account was disabled after the token was made. */
export async function refuseDisabledOwner({ users }: Pick<Repositories, 'users'>, { ownerUserId }: JoinTokenRecord): Promise<void> {
  const owner = ownerUserId === null ? null : await users.find(ownerUserId);
  if (owner?.disabled !== true) return;
  throw new ParavclError('token-refused', `This join token lets nobody in now: the account of ${owner.name}, whose machine this would be, is disabled. Have it enabled, or ask for a token for somebody else.`, { field: 'token' });
}
