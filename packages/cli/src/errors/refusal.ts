/** 1: it was refused or failed; 2: it was asked for in a wrong way. */
export type FailureExit = 1 | 2;

/** Something this program itself says no to, with what to try next. */
export class Refusal extends Error {
  /** The document that was written with `--json` says it already. */
  readonly isTold: boolean;

  constructor(
    sentence: string,
    /** A command, or null where nothing helps. */
    readonly tryThis: string | null = null,
    readonly exitCode: FailureExit = 1,
    options?: ErrorOptions & { readonly isTold?: boolean },
  ) {
    super(sentence, options);
    this.isTold = options?.isTold === true;
    this.name = 'Refusal';
  }
}

/** What was named is not there, or is not to be seen: it may be something of another kind. */
export class NotFound extends Refusal {}

/** Wrong usage: exit code 2. */
export const wrongUsage = (sentence: string, tryThis: string | null = null): Refusal => new Refusal(sentence, tryThis, 2);
