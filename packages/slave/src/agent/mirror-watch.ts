import type { Clock } from '@paravcl/shared/clock';
import { AnswerWatch } from './answer-watch';

/** `silent`: it did not answer when it was asked last. `back`: it answers again, and guests that its absence paused may not have found it yet. */
export type MirrorStanding = 'well' | 'silent' | 'back';

/**
 * QEMU's NBD client tries the socket of a mirror that is away after 1, 2, 4, 8 and then every 16 s, whatever its guest
 * asks meanwhile, and takes a connection that came up only at the guest's next read (`connect_thread_func` and
 * `nbd_reconnect_attempt` of QEMU 7.2). libvirt 9.0 drops `<reconnect delay>`, so each read before that fails and the
 * guest is paused again: it has to be continued again and again as long as QEMU may still be waiting.
 */
const findsAgainMs = 30_000;

export interface MirrorNews {
  /** It has not answered for a while. */
  onSilent(error: unknown): void;
  /** Its first answer after a failure, also of an absence that was too short to be told. */
  onBack(): void;
  /** It answers again after a silence that was told. */
  onAnswer(): void;
}

/** Asks the mirror of this host whether it is there. */
export class MirrorWatch {
  private readonly watch: AnswerWatch;
  private failed = false;
  private backAtMs: number | null = null;

  constructor(
    private readonly clock: Clock,
    private readonly mirror: { status(): Promise<unknown> },
    private readonly news: MirrorNews,
  ) {
    this.watch = new AnswerWatch(clock, () => this.ask(), (error) => news.onSilent(error), () => news.onAnswer());
  }

  get standing(): MirrorStanding {
    if (this.failed) return 'silent';
    return this.backAtMs !== null && this.clock.monotonicMs() <= this.backAtMs + findsAgainMs ? 'back' : 'well';
  }

  start(): void {
    this.watch.start();
  }

  stop(): void {
    this.watch.stop();
  }

  private async ask(): Promise<void> {
    try {
      await this.mirror.status();
    } catch (error) {
      this.failed = true;
      throw error;
    }
    if (!this.failed) return;
    this.failed = false;
    this.backAtMs = this.clock.monotonicMs();
    this.news.onBack();
  }
}
