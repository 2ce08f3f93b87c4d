/**
 * Why there is no answer of the master: it cannot be reached, or the answer broke off; what came is none of its answers, but
 * that of a proxy or of a network's login page; or a refusal without a sentence, which only such a one makes.
 */
export type NoAnswerReason = 'unreachable' | 'strange' | 'wordless';

/** There is no answer of the master. Whoever shows it says so in words of its own. */
export class NoAnswer extends Error {
  constructor(
    readonly reason: NoAnswerReason,
    /** HTTP status of a `wordless` refusal, else 0. */
    readonly status = 0,
    options?: ErrorOptions,
  ) {
    super(`no answer of the master: ${reason}${status === 0 ? '' : ` (${String(status)})`}`, options);
    this.name = 'NoAnswer';
  }
}
