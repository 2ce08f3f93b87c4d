import { randomBytes } from 'node:crypto';

/** What is done when sudo asks, and when what it was asked to run begins. */
export interface SudoTurns {
  /** `times`: 1 for the first; after a wrong password it asks again. */
  readonly onAsked: (times: number) => void;
  readonly onBegun: () => void;
}

/**
 * A command behind a sudo that may ask for a password, and may not: a rule of its own may let just this command through. So the password is
 * given only where the prompt came, and the command's input only once the command is there; what it reads is never the password. Prompt and
 * beginning are told by random words on standard error, which are no part of what the command says.
 */
export class SudoDialogue {
  private readonly prompt: string;
  private readonly beginning: string;
  private pending = Buffer.alloc(0);
  private asked = 0;
  private hasBegun = false;
  private turns: SudoTurns = { onAsked: () => undefined, onBegun: () => undefined };

  constructor(word: string = randomBytes(12).toString('hex')) {
    this.prompt = `[asks ${word}]`;
    this.beginning = `[begins ${word}]`;
  }

  /** The words to run. Without what an earlier command was let in by. */
  command(words: readonly string[]): readonly string[] {
    return ['env', 'LC_ALL=C', 'sudo', '-k', '-S', '-p', this.prompt, '--', 'sh', '-c', 'printf %s "$0" >&2; exec "$@"', this.beginning, ...words];
  }

  /** Before anything is heard. */
  begin(turns: SudoTurns): void {
    this.turns = turns;
  }

  /** @returns what of it is no word of ours. What may be the beginning of one is held back until more comes, or `end` */
  hear(bytes: Buffer): Buffer {
    if (this.hasBegun) return bytes;
    let rest = Buffer.concat([this.pending, bytes]);
    const said: Buffer[] = [];
    for (;;) {
      const [asks, begins] = [rest.indexOf(this.prompt), rest.indexOf(this.beginning)];
      if (asks !== -1 && (begins === -1 || asks < begins)) {
        said.push(rest.subarray(0, asks));
        rest = rest.subarray(asks + this.prompt.length);
        this.turns.onAsked((this.asked += 1));
        continue;
      }
      if (begins !== -1) {
        this.hasBegun = true;
        this.pending = Buffer.alloc(0);
        said.push(rest.subarray(0, begins), rest.subarray(begins + this.beginning.length));
        this.turns.onBegun();
        return Buffer.concat(said);
      }
      const held = Math.min(rest.length, Math.max(this.prompt.length, this.beginning.length) - 1);
      this.pending = rest.subarray(rest.length - held);
      return Buffer.concat([...said, rest.subarray(0, rest.length - held)]);
    }
  }

  /** What was held back. */
  end(): Buffer {
    const { pending } = this;
    this.pending = Buffer.alloc(0);
    return pending;
  }
}
