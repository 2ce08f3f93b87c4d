import type { AuthContext } from 'ssh2';
import type { SshLogins, SshPerson } from '../services/ssh-logins';
import { hasSigned, isForgeable } from './key-proof';
import { sshLimits } from './ssh-settings';

export interface SshLoginParts {
  readonly logins: Pick<SshLogins, 'byKey' | 'byPassword' | 'refused'>;
  readonly address: string;
  /** Called before the client is told, once. Throws: it is not let in. */
  admit(person: SshPerson): Promise<void>;
  /** It has tried often enough, or something of ours failed. */
  giveUp(): void;
  onFault(error: unknown): void;
}

const ways: ('publickey' | 'password')[] = ['publickey', 'password'];

/** One client's tries to log in (RFC 4252). ssh2 brings them one after the other. */
export class SshLogin {
  private tries = 0;
  private passwords = 0;
  private keys = 0;
  private name = '';

  constructor(private readonly parts: SshLoginParts) {}

  async attempt(context: AuthContext): Promise<void> {
    try {
      const person = await this.check(context);
      if (person === 'may sign') context.accept();
      else if (person !== null) {
        await this.parts.admit(person);
        context.accept();
      } else if (this.tries >= sshLimits.mostTries || this.passwords >= sshLimits.mostPasswords) this.parts.giveUp();
      else context.reject(ways);
    } catch (error) {
      this.parts.onFault(error);
      this.parts.giveUp();
    }
  }

  /** It has gone without having come in: keys that were no use are written down once; passwords were. */
  async ended(): Promise<void> {
    const { logins, address } = this.parts;
    if (this.keys > 0 && this.passwords === 0) await logins.refused(this.name, address, `none of ${this.keys} tries with a key was right`);
  }

  private async check(context: AuthContext): Promise<SshPerson | 'may sign' | null> {
    const { logins, address } = this.parts;
    this.name = context.username;
    if (context.method === 'none') return null;
    this.tries += 1;
    if (context.method === 'publickey') {
      this.keys += 1;
      if (isForgeable(context)) return null;
      const person = await logins.byKey(context.username, context.key.data);
      if (person === null || person.shown.kind !== 'key') return null;
      // First it asks whether the key is of any use.
      if (context.signature === undefined) return 'may sign';
      return hasSigned(context, person.shown.key) ? person : null;
    }
    if (context.method !== 'password') return null;
    this.passwords += 1;
    return logins.byPassword(context.username, context.password, address);
  }
}
