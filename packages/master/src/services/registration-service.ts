import type { Clock } from '@paravcl/shared/clock';
import type { User } from '@paravcl/shared/domain/people';
import { ParavclError } from '@paravcl/shared/errors';
import { newId } from '@paravcl/shared/ids';
import { isDuplicateKey } from '../db/connection';
import type { UnitOfWork } from '../db/unit-of-work';
import type { UserNameRule } from './instance-settings';
import { issueToken, type IssuedToken } from './one-time-tokens';
import type { PasswordService } from './password-service';
import { hashEnrolmentCode, hashSecret } from './secrets';
import type { SessionService } from './session-service';
import { requireAllowedName } from './user-name-rule';

export interface RegistrationDeps {
  readonly unit: UnitOfWork;
  readonly clock: Clock;
  readonly passwords: PasswordService;
  readonly sessions: SessionService;
  /** Which names new people may have; any by default. */
  readonly userNames?: UserNameRule;
}

export interface NewPerson {
  readonly name: string;
  readonly displayName: string;
  readonly password: string;
}

/** How people come into the site without anybody who is in it already: the first admin, and students by a code. */
export class RegistrationService {
  constructor(private readonly deps: RegistrationDeps) {}

  /**
   * Makes the token with which the first admin is made; null when there is an admin. An earlier one
   * stops working. Who calls prints it, once: it cannot be read again.
   *
   * @param replace false: only when no earlier token can still be used, else null too
   */
  issueSetupToken({ replace = true }: { readonly replace?: boolean } = {}): Promise<IssuedToken | null> {
    return this.deps.unit.transaction(async (write) => {
      if (await write.users.adminExists()) return null;
      const now = this.deps.clock.now();
      if (!replace && (await write.oneTimeTokens.anyOpen('setup', now))) return null;
      const issued = await issueToken(write, 'setup', null, now);
      await write.events.append(
        { kind: 'site.setup-token-issued', subjectType: 'site', subjectId: null, actor: 'master', actorUserId: null, clientAddress: null, sentence: 'A setup token for the first administrator was printed.' },
        now,
      );
      return issued;
    });
  }

  /** @throws ParavclError `token-refused`, `invalid-input` (guessable password, a name this site does not give), `already-exists`, `rate-limited` */
  async createFirstAdmin(token: string, person: NewPerson, clientAddress: string): Promise<User> {
    const { unit, clock, passwords, sessions } = this.deps;
    const refusal = { field: 'token', message: 'This setup token is wrong, used or expired. While there is no administrator, "paravcl-master setup-token" on the master prints a new one.' };
    const tokenHash = hashSecret(token);
    await sessions.redeem(clientAddress, refusal, async () => ((await unit.read.users.adminExists()) ? null : unit.read.oneTimeTokens.findOpen('setup', tokenHash, clock.now())));
    passwords.judge(person.password, person, 'password');
    await this.requireUsableName(person.name);
    const passwordHash = await passwords.hash(person.password);
    return this.insert(person.name, async (write) => {
      const now = clock.now();
      // Of two at once only one takes it, and so only one admin is made.
      if (!(await write.oneTimeTokens.take('setup', tokenHash, now))) throw new ParavclError('token-refused', refusal.message, { field: 'token' });
      const id = newId(now);
      await write.users.insert({ id, name: person.name, displayName: person.displayName, role: 'admin', passwordHash, primaryGroupId: null, sshPublicKeys: [] }, now);
      await write.events.append(
        { kind: 'user.created', subjectType: 'user', subjectId: id, actor: `user ${person.name}`, actorUserId: id, clientAddress, sentence: `${person.name} became the first administrator with the setup token.` },
        now,
      );
      return id;
    });
  }

  /** @throws ParavclError `token-refused` (the code), `invalid-input` (guessable password, a name this site does not give), `already-exists`, `rate-limited` */
  async register(code: string, person: NewPerson & { readonly sshPublicKey?: string | undefined; readonly mail?: string | null | undefined }, clientAddress: string): Promise<User> {
    const { unit, clock, passwords, sessions } = this.deps;
    const refusal = { field: 'enrolmentCode', message: 'No group has this enrolment code. Ask your teacher for the present one.' };
    const codeHash = hashEnrolmentCode(code);
    await sessions.redeem(clientAddress, refusal, () => unit.read.groups.findByCodeHash(codeHash));
    passwords.judge(person.password, person, 'password');
    await this.requireUsableName(person.name);
    const passwordHash = await passwords.hash(person.password);
    return this.insert(person.name, async (write) => {
      const now = clock.now();
      // Hashing took a while: the code may have been rotated or the group deleted meanwhile.
      const group = await write.groups.findByCodeHash(codeHash);
      if (group === null || !(await write.groups.lock(group.id))) throw new ParavclError('token-refused', refusal.message, { field: 'enrolmentCode' });
      const id = newId(now);
      await write.users.insert(
        {
          id,
          name: person.name,
          displayName: person.displayName,
          role: 'student',
          passwordHash,
          primaryGroupId: group.id,
          sshPublicKeys: person.sshPublicKey === undefined ? [] : [person.sshPublicKey],
          mail: person.mail ?? null,
        },
        now,
      );
      await write.groups.addMember(group.id, id, now);
      await write.events.append(
        { kind: 'user.registered', subjectType: 'user', subjectId: id, actor: `user ${person.name}`, actorUserId: id, clientAddress, sentence: `${person.name} registered in the group ${group.name}.` },
        now,
      );
      return id;
    });
  }

  private async requireUsableName(name: string): Promise<void> {
    requireAllowedName(name, this.deps.userNames ?? 'any');
    if ((await this.deps.unit.read.users.findByName(name)) !== null) throw nameTaken(name);
  }

  private async insert(name: string, work: Parameters<typeof this.deps.unit.transaction<string>>[0]): Promise<User> {
    try {
      const id = await this.deps.unit.transaction(work);
      const user = await this.deps.unit.read.users.find(id);
      if (user === null) throw new Error(`User ${id} vanished right after it was made.`);
      return user;
    } catch (error) {
      throw isDuplicateKey(error) ? nameTaken(name) : error;
    }
  }
}

export function nameTaken(name: string): ParavclError {
  return new ParavclError('already-exists', `The user name ${name} is taken. Choose another.`, { field: 'name' });
}
