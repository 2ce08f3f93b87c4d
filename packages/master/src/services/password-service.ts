import { HashQueue } from './hash-queue';
import { defaultCost, hashPassword, isOutdated, matchesPassword, unmatchableHash, type ScryptCost } from './password-hash';
import { refuseGuessable } from './password-rules';

export interface PasswordOptions {
  readonly cost?: ScryptCost;
  readonly queue?: HashQueue;
  /** Names of the site that make poor passwords. */
  readonly siteNames?: readonly string[];
}

/** Passwords, hashed two at a time at most. */
export class PasswordService {
  private readonly cost: ScryptCost;
  private readonly queue: HashQueue;
  private readonly siteNames: readonly string[];
  private readonly nobody: string;

  constructor(options: PasswordOptions = {}) {
    this.cost = options.cost ?? defaultCost;
    this.queue = options.queue ?? new HashQueue();
    this.siteNames = [...(options.siteNames ?? []), 'paravcl'];
    this.nobody = unmatchableHash(this.cost);
  }

  /**
   * Refuses a guessable password; cheap, so it is asked before anything is queued.
   *
   * @throws ParavclError `invalid-input`
   */
  judge(password: string, person: { readonly name: string; readonly displayName: string }, field: string): void {
    refuseGuessable(password, [person.name, person.displayName, ...this.siteNames], field);
  }

  /** @throws ParavclError `rate-limited` when the queue is full */
  hash(password: string): Promise<string> {
    return this.queue.run(() => hashPassword(password, this.cost));
  }

  /**
   * Whether the password is the stored one; without a stored one it is as slow, and false.
   *
   * @param before runs when the turn has come and may throw: limits are judged then, so that attempts
   *   that waited together cannot all slip under them
   * @param after learns the outcome while the turn lasts: the next attempt sees what it wrote
   * @throws ParavclError `rate-limited` when the queue is full
   */
  verify(password: string, stored: string | null, turn: { before(): Promise<void>; after(matches: boolean): Promise<void> }): Promise<boolean> {
    return this.queue.run(async () => {
      await turn.before();
      const matches = await matchesPassword(password, stored ?? this.nobody);
      await turn.after(matches);
      return matches;
    });
  }

  isOutdated(stored: string): boolean {
    return isOutdated(stored, this.cost);
  }
}
