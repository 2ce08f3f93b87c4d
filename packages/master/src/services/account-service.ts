import type { Clock } from '@paravcl/shared/clock';
import type { User } from '@paravcl/shared/domain/people';
import { ParavclError } from '@paravcl/shared/errors';
import type { UnitOfWork } from '../db/unit-of-work';
import { eventBy, type Acting } from './acting';
import type { PasswordService } from './password-service';
import { hashSecret } from './secrets';
import { requireSession } from './session-only';
import type { SessionService } from './session-service';

export interface AccountDeps {
  readonly unit: UnitOfWork;
  readonly clock: Clock;
  readonly passwords: PasswordService;
  readonly sessions: SessionService;
}

export interface AccountChange {
  readonly displayName?: string | undefined;
  /** Null: no notices by mail. */
  readonly mail?: string | null | undefined;
  readonly sshPublicKeys?: readonly string[] | undefined;
  readonly password?: { readonly old: string; readonly new: string } | undefined;
}

/** What people do to their own account. */
export class AccountService {
  constructor(private readonly deps: AccountDeps) {}

  /**
   * Changes one's own account. A new password needs the old one and ends all other sessions.
   *
   * @throws ParavclError `wrong-credentials`, `rate-limited`, `invalid-input` (guessable password), `forbidden` (a password, SSH keys or a mail address, with an API token)
   */
  async edit(acting: Acting, change: AccountChange): Promise<User> {
    const { unit, clock } = this.deps;
    const { principal } = acting;
    const { password, ...rest } = change;
    if (password !== undefined) requireSession(principal, 'change the password');
    // With a key one comes in by SSH, also when the token is revoked.
    if (rest.sshPublicKeys !== undefined) requireSession(principal, 'change SSH keys');
    if (rest.mail !== undefined) requireSession(principal, 'change the mail address');
    const passwordHash = password === undefined ? undefined : await this.newHash(acting, password, change.displayName ?? '');
    await unit.transaction(async (write) => {
      const now = clock.now();
      await write.users.update(principal.userId, { ...rest, passwordHash });
      if (passwordHash !== undefined) {
        await write.sessions.deleteOfUser(principal.userId, principal.sessionId);
        await write.oneTimeTokens.revoke('password', principal.userId);
        await write.events.append(
          eventBy(acting, { kind: 'user.password-changed', subjectType: 'user', subjectId: principal.userId, sentence: `${principal.userName} changed the password; other sessions ended.` }),
          now,
        );
      }
      const changed = Object.entries(rest).flatMap(([what, value]) => (value === undefined ? [] : [what]));
      if (changed.length > 0) {
        await write.events.append(
          eventBy(acting, { kind: 'user.edited', subjectType: 'user', subjectId: principal.userId, sentence: `${principal.userName} changed the own ${changed.join(' and ')}.` }),
          now,
        );
      }
    });
    return this.userOf(principal.userId);
  }

  /**
   * Sets a password with a one-time token; every session of the user ends.
   *
   * @throws ParavclError `token-refused`, `rate-limited`, `invalid-input` (guessable password)
   */
  async setPasswordByToken(token: string, password: string, clientAddress: string): Promise<void> {
    const { unit, clock, passwords, sessions } = this.deps;
    const refusal = { field: 'token', message: 'This token is wrong, used or expired. Ask for a new one where you got it.' };
    const tokenHash = hashSecret(token);
    const { userId } = await sessions.redeem(clientAddress, refusal, () => unit.read.oneTimeTokens.findOpen('password', tokenHash, clock.now()));
    if (userId === null) throw new Error('A password token without a user.');
    const user = await this.userOf(userId);
    passwords.judge(password, user, 'password');
    const passwordHash = await passwords.hash(password);
    await unit.transaction(async (write) => {
      const now = clock.now();
      if (!(await write.oneTimeTokens.take('password', tokenHash, now))) throw new ParavclError('token-refused', refusal.message, { field: 'token' });
      await write.users.update(userId, { passwordHash });
      await write.sessions.deleteOfUser(userId);
      // Whoever was locked out by somebody else's guessing comes in with the new password.
      await write.loginFailures.deleteOfName(user.name);
      await write.events.append(
        { kind: 'user.password-set', subjectType: 'user', subjectId: userId, actor: `user ${user.name}`, actorUserId: userId, clientAddress, sentence: `${user.name} set the password with a one-time token; all sessions ended.` },
        now,
      );
    });
  }

  private async newHash({ principal, clientAddress }: Acting, password: { readonly old: string; readonly new: string }, displayName: string): Promise<string> {
    const { unit, passwords, sessions } = this.deps;
    passwords.judge(password.new, { name: principal.userName, displayName }, 'password.new');
    const stored = (await unit.read.users.passwordHash(principal.userId)) ?? null;
    const attempt = { userName: principal.userName, clientAddress };
    if (!(await sessions.verify(password.old, stored, attempt, `${principal.userName} gave a wrong old password.`, principal.userId))) {
      throw new ParavclError('wrong-credentials', 'The old password is wrong.', { field: 'password.old' });
    }
    return passwords.hash(password.new);
  }

  private async userOf(id: string): Promise<User> {
    const user = await this.deps.unit.read.users.find(id);
    if (user === null) throw new ParavclError('not-found', 'This user is gone.');
    return user;
  }
}
