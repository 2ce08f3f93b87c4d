import type { Clock, EpochMs } from '@paravcl/shared/clock';
import type { Principal, User } from '@paravcl/shared/domain/people';
import { ParavclError } from '@paravcl/shared/errors';
import { newId } from '@paravcl/shared/ids';
import type { UnitOfWork } from '../db/unit-of-work';
import { countFailure, defaultLoginLimits, requireBelowLimits, type Attempt, type LoginLimits } from './login-limits';
import type { PasswordService } from './password-service';
import { hashSecret, newSecret } from './secrets';

export interface SessionLifetime {
  /** Without a request for this long a session ends. */
  readonly idleMs: number;
  /** It ends this long after its login, whatever happens. */
  readonly absoluteMs: number;
}

const hour = 3_600_000;
export const defaultSessionLifetime: SessionLifetime = { idleMs: 8 * hour, absoluteMs: 24 * hour };

/** The use of a session is written down at most this often. */
const touchEveryMs = 60_000;

export interface SessionDeps {
  readonly unit: UnitOfWork;
  readonly clock: Clock;
  readonly passwords: PasswordService;
  readonly lifetime?: SessionLifetime;
  readonly limits?: LoginLimits;
}

export interface OpenedSession {
  readonly user: User;
  readonly sessionId: string;
  /** Given to the client and kept nowhere else: the database has its hash. */
  readonly token: string;
  readonly expiresAt: EpochMs;
}

/** Logging in and out, and who a token stands for. */
export class SessionService {
  private readonly lifetime: SessionLifetime;
  private readonly limits: LoginLimits;

  constructor(private readonly deps: SessionDeps) {
    this.lifetime = deps.lifetime ?? defaultSessionLifetime;
    this.limits = deps.limits ?? defaultLoginLimits;
  }

  /**
   * Opens a session with a new token. An unknown user and a wrong password are answered alike and
   * equally late; beyond the limits nothing is looked at.
   *
   * @param replacesSessionId the session the client came with; it ends
   * @throws ParavclError `wrong-credentials`, `rate-limited`, `forbidden` (right password, disabled account)
   */
  async login(name: string, password: string, clientAddress: string, replacesSessionId: string | null): Promise<OpenedSession> {
    const { unit, clock, passwords } = this.deps;
    const user = await unit.read.users.findByName(name);
    const stored = user === null ? null : ((await unit.read.users.passwordHash(user.id)) ?? null);
    const attempt = { userName: name, clientAddress };
    const matches = await this.verify(password, stored, attempt, `Login as ${name} failed.`, user?.id ?? null);
    if (!matches || user === null || stored === null) {
      throw new ParavclError('wrong-credentials', 'User name or password is wrong. Check both; after ten failures a name is closed for a while.');
    }
    const rehashed = passwords.isOutdated(stored) ? await passwords.hash(password) : undefined;
    const token = newSecret('pvs');
    return unit.transaction(async (write) => {
      const now = clock.now();
      const present = await write.users.find(user.id);
      // Found out only after the right password, so it tells strangers nothing.
      if (present === null || present.disabled) {
        throw new ParavclError('forbidden', `The account ${name} is disabled. Ask an administrator of the lab.`);
      }
      const session = { id: newId(now), tokenHash: hashSecret(token), userId: user.id, expiresAt: now + this.lifetime.absoluteMs, clientAddress };
      if (replacesSessionId !== null) await write.sessions.delete(replacesSessionId);
      if (rehashed !== undefined) await write.users.update(user.id, { passwordHash: rehashed });
      await write.loginFailures.deleteOfName(name);
      await write.sessions.insert(session, now);
      await write.events.append(
        { kind: 'user.logged-in', subjectType: 'user', subjectId: user.id, actor: `user ${name}`, actorUserId: user.id, clientAddress, sentence: `${name} logged in.` },
        now,
      );
      return { user: present, sessionId: session.id, token, expiresAt: session.expiresAt };
    });
  }

  /**
   * Checks a password under the login limits and writes a failure down, with its event.
   *
   * @param sentence what failed, for the event
   */
  async verify(password: string, stored: string | null, attempt: Attempt, sentence: string, userId: string | null): Promise<boolean> {
    const { unit, clock, passwords } = this.deps;
    // Asked here too, so that attempts beyond the limits do not fill the queue before they are refused.
    await requireBelowLimits(unit.read, attempt, this.limits, clock.now());
    return passwords.verify(password, stored, {
      before: () => requireBelowLimits(unit.read, attempt, this.limits, clock.now()),
      after: async (matches) => {
        if (!matches) await this.writeFailure(attempt, 'user.login-failed', sentence, userId);
      },
    });
  }

  /**
   * Looks a random secret up under the limits of its address, and writes down when it opens nothing.
   *
   * @throws ParavclError `token-refused` with `message`, `rate-limited`
   */
  async redeem<T>(clientAddress: string, refusal: { readonly field: string; readonly message: string }, find: () => Promise<T | null>): Promise<T> {
    const { unit, clock } = this.deps;
    const attempt = { userName: null, clientAddress };
    await requireBelowLimits(unit.read, attempt, this.limits, clock.now());
    const found = await find();
    if (found !== null) return found;
    await this.writeFailure(attempt, 'site.secret-refused', `A wrong, used or expired ${refusal.field} was shown.`, null);
    throw new ParavclError('token-refused', refusal.message, { field: refusal.field });
  }

  /** Who holds this token now; null when nobody does (any more). Notes the use. */
  async principalOf(token: string): Promise<Principal | null> {
    const { unit, clock } = this.deps;
    const session = await unit.read.sessions.findByTokenHash(hashSecret(token));
    const now = clock.now();
    if (session === null || session.disabled || session.expiresAt <= now || session.lastUsedAt + this.lifetime.idleMs <= now) return null;
    if (now - session.lastUsedAt >= touchEveryMs) await unit.read.sessions.touch(session.id, now);
    const [groupIds, ownedGroupIds] = await Promise.all([unit.read.groups.idsOfMember(session.userId), unit.read.groups.idsOfOwner(session.userId)]);
    return { userId: session.userId, userName: session.userName, role: session.role, groupIds, ownedGroupIds, sessionId: session.id };
  }

  async logout(principal: Principal, clientAddress: string): Promise<void> {
    const { unit, clock } = this.deps;
    await unit.transaction(async (write) => {
      await write.sessions.delete(principal.sessionId);
      await write.events.append(
        {
          kind: 'user.logged-out',
          subjectType: 'user',
          subjectId: principal.userId,
          actor: `user ${principal.userName}`,
          actorUserId: principal.userId,
          clientAddress,
          sentence: `${principal.userName} logged out.`,
        },
        clock.now(),
      );
    });
  }

  private async writeFailure(attempt: Attempt, kind: string, sentence: string, userId: string | null): Promise<void> {
    const { unit, clock } = this.deps;
    await unit.transaction(async (write) => {
      const now = clock.now();
      await countFailure(write, attempt, now);
      await write.events.append(
        {
          kind,
          subjectType: userId === null && attempt.userName === null ? 'site' : 'user',
          subjectId: userId,
          actor: attempt.userName === null ? 'nobody' : `nobody as ${attempt.userName}`,
          actorUserId: null,
          clientAddress: attempt.clientAddress,
          sentence,
        },
        now,
      );
    });
  }
}
