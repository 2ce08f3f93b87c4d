import type { ApiToken } from '@paravcl/shared/api/api-tokens';
import type { Clock } from '@paravcl/shared/clock';
import type { Principal } from '@paravcl/shared/domain/people';
import { ParavclError } from '@paravcl/shared/errors';
import { newId } from '@paravcl/shared/ids';
import type { UnitOfWork } from '../db/unit-of-work';
import type { ApiTokenRecord } from '../repositories/api-token-repository';
import { eventBy, type Acting } from './acting';
import { hashSecret, newSecret } from './secrets';
import { requireSession } from './session-only';

const dayMs = 24 * 3_600_000;
/** The use of a token is written down at most this often. */
const touchEveryMs = 60_000;
/** Of one person, expired ones not counted. */
export const mostApiTokens = 50;
/** `pva_` and six characters: of 256 random bits, 220 are left to guess. */
const hintLength = 10;

/** Tokens of people's own programs, and whom they stand for. */
export class ApiTokenService {
  constructor(
    private readonly unit: UnitOfWork,
    private readonly clock: Clock,
  ) {}

  async list({ userId }: Principal): Promise<readonly ApiToken[]> {
    return (await this.unit.read.apiTokens.ofUser(userId)).map(view);
  }

  /**
   * The token itself is given here and never again.
   *
   * @throws ParavclError `forbidden` (with an API token), `conflict` (as many as one may have)
   */
  async create(acting: Acting, { name, scope, days }: { readonly name: string; readonly scope: ApiToken['scope']; readonly days: number }): Promise<{ readonly apiToken: ApiToken; readonly token: string }> {
    const { principal } = acting;
    requireSession(principal, 'make API tokens');
    const token = newSecret('pva');
    return this.unit.transaction(async (write) => {
      // Two requests at once are counted one after the other.
      await write.users.lock(principal.userId);
      const now = this.clock.now();
      if ((await write.apiTokens.countOpen(principal.userId, now)) >= mostApiTokens) {
        throw new ParavclError('conflict', `You have ${mostApiTokens} API tokens, the most one person may have. Revoke one that you do not use any more.`, { limit: `${mostApiTokens} tokens` });
      }
      const record: ApiTokenRecord = { id: newId(now), userId: principal.userId, name, scope, hint: token.slice(0, hintLength), createdAt: now, expiresAt: now + days * dayMs, lastUsedAt: null };
      await write.apiTokens.insert(record, hashSecret(token));
      const may = scope === 'read' ? 'that may only look' : 'that may do what its owner may';
      await write.events.append(
        eventBy(acting, { kind: 'api-token.created', subjectType: 'user', subjectId: principal.userId, sentence: `${principal.userName} made the API token ${record.hint}… (${name}), ${may}, for ${days} ${days === 1 ? 'day' : 'days'}.` }),
        now,
      );
      return { apiToken: view(record), token };
    });
  }

  /** @throws ParavclError `forbidden` (with an API token), `not-found` */
  async revoke(acting: Acting, id: string): Promise<void> {
    const { principal } = acting;
    requireSession(principal, 'revoke API tokens');
    await this.unit.transaction(async (write) => {
      const token = await write.apiTokens.remove(id, principal.userId);
      if (token === null) throw new ParavclError('not-found', `There is no API token ${id}, or it is not yours.`);
      await write.events.append(
        eventBy(acting, { kind: 'api-token.revoked', subjectType: 'user', subjectId: principal.userId, sentence: `${principal.userName} revoked the API token ${token.hint}… (${token.name}).` }),
        this.clock.now(),
      );
    });
  }

  /** Whom this token stands for now; null when it opens nothing (any more). Notes the use. */
  async principalOf(secret: string): Promise<Principal | null> {
    const { read } = this.unit;
    const shown = await read.apiTokens.findByTokenHash(hashSecret(secret));
    const now = this.clock.now();
    if (shown === null || shown.disabled || shown.token.expiresAt <= now) return null;
    const { id, userId, scope, lastUsedAt } = shown.token;
    if (lastUsedAt === null || now - lastUsedAt >= touchEveryMs) await read.apiTokens.touch(id, now);
    const [groupIds, ownedGroupIds] = await Promise.all([read.groups.idsOfMember(userId), read.groups.idsOfOwner(userId)]);
    return { userId, userName: shown.userName, role: shown.role, groupIds, ownedGroupIds, sessionId: '', apiToken: { id, scope } };
  }
}

const view = ({ id, name, scope, hint, createdAt, expiresAt, lastUsedAt }: ApiTokenRecord): ApiToken => ({
  id, name, scope, hint,
  createdAt: new Date(createdAt).toISOString(),
  expiresAt: new Date(expiresAt).toISOString(),
  lastUsedAt: lastUsedAt === null ? null : new Date(lastUsedAt).toISOString(),
});
