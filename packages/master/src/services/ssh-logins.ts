import type { Clock } from '@paravcl/shared/clock';
import { userNameSchema } from '@paravcl/shared/domain/people';
import type { UnitOfWork } from '../db/unit-of-work';
import { RefusalLimiter } from './refusal-limiter';
import type { SessionService } from './session-service';

/** Somebody who has shown who they are, and by what: with that taken away they are somebody no more. */
export interface SshPerson {
  readonly userId: string;
  readonly userName: string;
  readonly shown: { readonly kind: 'key'; readonly key: string } | { readonly kind: 'password'; readonly hash: string };
}

export interface SshLoginsParts {
  readonly unit: UnitOfWork;
  readonly clock: Clock;
  readonly sessions: Pick<SessionService, 'verify'>;
  /** Somebody has come in. */
  readonly onAdmitted?: () => void;
}

/** Of an address, that are written down: whoever tries on and on writes no more than this into the books. */
const writtenRefusals = { refusals: 120, windowMs: 60_000 };

/** Who may come in by SSH. Users who do not exist, are disabled or have no such key are told apart from nobody. */
export class SshLogins {
  private readonly refusals: RefusalLimiter;

  constructor(private readonly parts: SshLoginsParts) {
    this.refusals = new RefusalLimiter(parts.clock, writtenRefusals);
  }

  /**
   * The user of that name, when the key is one of theirs; that they hold it is for the caller to verify.
   *
   * @param blob the public key as SSH sends it (RFC 4253 6.6)
   */
  async byKey(name: string, blob: Buffer): Promise<SshPerson | null> {
    const known = userNameSchema.safeParse(name);
    if (!known.success) return null;
    const user = await this.parts.unit.read.users.findByName(known.data);
    if (user === null || user.disabled) return null;
    const key = user.sshPublicKeys.find((line) => Buffer.from(line.split(' ')[1] ?? '', 'base64').equals(blob));
    return key === undefined ? null : { userId: user.id, userName: user.name, shown: { kind: 'key', key } };
  }

  /**
   * The user of that name and password, under the limits of logins. A failure is counted and written down as one of the portal is, also
   * that of a password which nobody can have; that of a name which nobody can have counts for the address.
   *
   * @throws ParavclError `rate-limited`
   */
  async byPassword(name: string, password: string, clientAddress: string): Promise<SshPerson | null> {
    const { unit, sessions } = this.parts;
    const known = userNameSchema.safeParse(name);
    if (!known.success) {
      // Answered as late as any wrong password; one after the other, for tries at one moment would all be judged by the same count.
      await sessions.verify(password, null, { userName: null, clientAddress }, 'Login by SSH as a name that no user can have failed.', null);
      return null;
    }
    const user = await unit.read.users.findByName(known.data);
    const stored = user === null ? null : ((await unit.read.users.passwordHash(user.id)) ?? null);
    const matches = await sessions.verify(password, stored, { userName: known.data, clientAddress }, `Login by SSH as ${known.data} failed.`, user?.id ?? null);
    if (!matches || user === null || stored === null || user.disabled) return null;
    await unit.read.loginFailures.deleteOfName(user.name);
    return { userId: user.id, userName: user.name, shown: { kind: 'password', hash: stored } };
  }

  /** Writes down that somebody has come in. */
  async admitted({ userId, userName, shown }: SshPerson, clientAddress: string): Promise<void> {
    const { unit, clock } = this.parts;
    const sentence = `${userName} logged in at the SSH gateway with ${shown.kind === 'key' ? 'a key' : 'a password'}.`;
    await unit.read.events.append({ kind: 'ssh.logged-in', subjectType: 'user', subjectId: userId, actor: `user ${userName}`, actorUserId: userId, clientAddress, sentence }, clock.now());
    this.parts.onAdmitted?.();
  }

  /** Writes down that somebody did not, whatever they called themselves: of one address so many a minute. */
  async refused(name: string, clientAddress: string, shown: string): Promise<void> {
    const { unit, clock } = this.parts;
    if (this.refusals.waitMs(clientAddress) > 0) return;
    this.refusals.refused(clientAddress);
    const isLast = this.refusals.waitMs(clientAddress) > 0;
    const more = isLast ? ` It is the ${writtenRefusals.refusals}th from there within a minute; more are not written down until the minute is over.` : '';
    // It is whatever came over the wire.
    const said = userNameSchema.safeParse(name).data ?? 'a name that no user can have';
    await unit.read.events.append(
      { kind: 'ssh.login-refused', subjectType: 'user', subjectId: null, actor: `nobody as ${said}`, actorUserId: null, clientAddress, sentence: `Login by SSH as ${said} was refused: ${shown}.${more}` },
      clock.now(),
    );
  }

  /** Those of these who are disabled by now, or have no longer what they came in with. */
  async lapsed<P extends SshPerson>(people: readonly P[]): Promise<readonly P[]> {
    if (people.length === 0) return [];
    const known = await this.parts.unit.read.users.credentials([...new Set(people.map(({ userId }) => userId))]);
    return people.filter(({ userId, shown }) => {
      const now = known.get(userId);
      if (now === undefined || now.disabled) return true;
      return shown.kind === 'key' ? !now.sshPublicKeys.includes(shown.key) : now.passwordHash !== shown.hash;
    });
  }
}
