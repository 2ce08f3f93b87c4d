import type { Cancel, Clock } from '@paravcl/shared/clock';
import type { SiteNetwork } from '@paravcl/shared/domain/slave';
import type { Logger } from 'pino';
import type { PublicNetwork } from '../public/public-network';
import type { RefusedMapping } from '../public/judge-mappings';
import type { WantedMapping } from '../public/wanted-mappings';
import type { Troubles } from './troubles';

const longestRetryMs = 15_000;
/** A sentence for people tells the first of them in full. */
const longestSentence = 380;

export interface PublicMappingKeeperParts {
  readonly clock: Clock;
  readonly log: Logger;
  readonly network: PublicNetwork;
  readonly troubles: Pick<Troubles, 'begin' | 'end'>;
  /** What should lead to which guest now. */
  wanted(): readonly WantedMapping[];
  /** The network of the guests; null until the master has told it. */
  site(): SiteNetwork | null;
}

/**
 * Keeps what of the network outside leads to guests of this host: made when orders and guests are so, made again when somebody took it
 * away, and taken back when no order asks for it any more. Nothing is known here of what was made before: the first round of each start
 * makes it right, whatever a killed agent left.
 */
export class PublicMappingKeeper {
  /** What was applied last, as words; null when that is not known. */
  private applied: string | null = null;
  private told: string | null = null;
  private working = false;
  private round: Promise<void> = Promise.resolve();
  private again = false;
  private attempts = 0;
  private cancel: Cancel = () => undefined;
  private stopped = false;

  constructor(private readonly parts: PublicMappingKeeperParts) {}

  start(): void {
    this.begin();
  }

  /** Orders or guests are not as they were. */
  changed(): void {
    if (this.working) this.again = true;
    else if (this.applied !== null && this.words() !== this.applied) this.begin();
  }

  /** Looks again while something is to be mapped: no event tells that somebody flushed the rules, or that what was in the way is gone. */
  look(): void {
    if (this.applied !== null && this.parts.wanted().length > 0) this.begin();
  }

  /** Resolves when what changed is made, or could not be and is tried again later. */
  settled(): Promise<void> {
    return this.round;
  }

  stop(): void {
    this.stopped = true;
    this.cancel();
  }

  private words(): string {
    return JSON.stringify([this.parts.site(), this.parts.wanted()]);
  }

  private begin(): void {
    if (this.stopped) return;
    if (this.working) this.again = true;
    else this.round = this.make();
  }

  private async make(): Promise<void> {
    this.working = true;
    this.cancel();
    const { clock, log, network } = this.parts;
    try {
      do {
        this.again = false;
        const words = this.words();
        const wanted = this.parts.wanted();
        const refused = await network.apply(wanted, this.parts.site());
        if (words !== this.applied && wanted.length > 0) log.info({ mappings: wanted.length, refused: refused.length }, 'what of the network outside leads to guests is as it was ordered');
        this.applied = words;
        this.attempts = 0;
        this.tell(wordsOf(refused));
      } while (!this.isStopped() && this.again && this.words() !== this.applied);
    } catch (error) {
      this.applied = null;
      this.attempts += 1;
      const delayMs = Math.min(longestRetryMs, 500 * 2 ** Math.min(this.attempts, 6));
      log.error({ err: error, delayMs }, 'what of the network outside leads to guests could not be made as it was ordered');
      // Where nothing is to be mapped, nobody misses the tools for it.
      if (this.parts.wanted().length > 0) this.tell(`Public addresses and ports of this host may not lead to its guests: ${error instanceof Error ? error.message.slice(0, 300) : 'unknown'}.`);
      if (!this.isStopped()) this.cancel = clock.after(delayMs, () => this.begin());
    } finally {
      this.working = false;
    }
  }

  /** Asked anew after each wait. */
  private isStopped(): boolean {
    return this.stopped;
  }

  private tell(sentence: string | null): void {
    if (sentence === this.told || this.isStopped()) return;
    this.told = sentence;
    this.parts.troubles.end('public-mapping');
    if (sentence !== null) this.parts.troubles.begin('public-mapping', sentence);
  }
}

function wordsOf(refused: readonly RefusedMapping[]): string | null {
  const [first] = refused;
  if (first === undefined) return null;
  return first.sentence.slice(0, longestSentence) + (refused.length > 1 ? ` So it is with ${refused.length - 1} more.` : '');
}
