import type { Clock, EpochMs } from '@paravcl/shared/clock';
import type { Trouble } from '@paravcl/shared/domain/slave';
import type { Logger } from 'pino';

export type TroubleCode = Trouble['code'];

/** What keeps this host from its work at the moment; every begin and end is in the log and told by `changed`. */
export class Troubles {
  private readonly current = new Map<TroubleCode, { readonly trouble: Trouble; readonly since: EpochMs }>();

  constructor(
    private readonly clock: Clock,
    private readonly log: Logger,
    private readonly changed: () => void,
  ) {}

  /** @param what what is wrong and the way out, two sentences at most; since when is added here. */
  begin(code: TroubleCode, what: string): void {
    if (this.current.has(code)) return;
    const since = this.clock.now();
    const sentence = `${what} Since ${new Date(since).toISOString().slice(0, 19)}Z.`.slice(-500);
    this.current.set(code, { trouble: { code, sentence }, since });
    this.log.error({ trouble: code }, `trouble begins: ${sentence}`);
    this.changed();
  }

  /** Answers whether it had begun. */
  end(code: TroubleCode): boolean {
    const earlier = this.current.get(code);
    if (earlier === undefined) return false;
    this.current.delete(code);
    this.log.info({ trouble: code, ms: this.clock.now() - earlier.since }, 'trouble ends; what waited for it goes on');
    this.changed();
    return true;
  }

  has(code: TroubleCode): boolean {
    return this.current.has(code);
  }

  all(): Trouble[] {
    return [...this.current.values()].map(({ trouble }) => trouble);
  }
}
