import type { EpochMs } from '@paravcl/shared/clock';
import { ParavclError } from '@paravcl/shared/errors';

/** A machine fetches one file after the other; more at a time than this is no machine that joins. */
const atOnce = 4;
/** Each file, of one token: a join that is begun again and again fetches it anew. */
const timesEach = 20;

interface OfToken {
  readonly expiresAt: EpochMs;
  active: number;
  /** By path. */
  readonly times: Map<string, number>;
}

/** Bounds what is fetched with one join token, which stays open while a machine fetches the package: tokens are pasted, and the package is a hundred MB. */
export class PackageDownloads {
  private readonly tokens = new Map<string, OfToken>();

  /**
   * Counts one download of this file; call what is answered once when it has ended, however.
   *
   * @throws ParavclError `rate-limited`
   */
  begin({ id, expiresAt }: { readonly id: string; readonly expiresAt: EpochMs }, path: string, now: EpochMs): () => void {
    for (const [each, { expiresAt: end, active }] of this.tokens) if (end <= now && active === 0) this.tokens.delete(each);
    const of = this.tokens.get(id) ?? { expiresAt, active: 0, times: new Map<string, number>() };
    const times = of.times.get(path) ?? 0;
    if (times >= timesEach) throw new ParavclError('rate-limited', `This join token has fetched ${path} ${String(timesEach)} times, which is all it may. Ask for a new token.`, { limit: `${String(timesEach)} times each file` });
    if (of.active >= atOnce) throw new ParavclError('rate-limited', `This join token fetches ${String(atOnce)} files now, which is as many as it may at a time. Try again when one has ended; a token is for one machine.`, { retryAfterSeconds: 10, limit: `${String(atOnce)} at a time` });
    this.tokens.set(id, of);
    of.times.set(path, times + 1);
    of.active++;
    let ended = false;
    return () => {
      if (!ended) of.active--;
      ended = true;
    };
  }
}
