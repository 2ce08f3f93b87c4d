import type { Cancel, Clock } from '@paravcl/shared/clock';
import type { ChunkAnswer, ChunkPort } from '@paravcl/shared/chunks/chunk-port';

/** A question that can be raised and given up. */
export interface Question {
  readonly answer: Promise<ChunkAnswer>;
  raise(): void;
  cancel(): void;
  readonly port: Pick<ChunkPort, 'received' | 'answers'>;
}

const lookEveryMs = 500;
/** Who is heard and answers nothing for so many times as long as silence may last gives nothing. */
const answerless = 3;
/** A look that comes so much too late tells that this process stood still, or its machine: what came meanwhile is still to be read. */
const stoodStillMs = 1000;

interface Waiting {
  readonly silentMs: number;
  askedAtMs: number;
  readonly giveUp: () => void;
}

/** Looks after all questions that are open on one connection. */
class Watch {
  private readonly waiting = new Set<Waiting>();
  private received = 0;
  private heardAtMs = 0;
  private answers = 0;
  private answeredAtMs = 0;
  private cancel: Cancel | null = null;

  constructor(
    private readonly port: Question['port'],
    private readonly clock: Clock,
  ) {}

  add(one: Waiting): void {
    // What came while nothing was asked answers nobody.
    if (this.waiting.size === 0) [this.received, this.answers] = [this.port.received, this.port.answers];
    this.waiting.add(one);
    this.lookLater();
  }

  delete(one: Waiting): void {
    this.waiting.delete(one);
    if (this.waiting.size > 0) return;
    this.cancel?.();
    this.cancel = null;
  }

  private lookLater(): void {
    if (this.cancel !== null) return;
    const dueAtMs = this.clock.monotonicMs() + lookEveryMs;
    this.cancel = this.clock.after(lookEveryMs, () => {
      this.cancel = null;
      const nowMs = this.clock.monotonicMs();
      if (nowMs - dueAtMs >= stoodStillMs) this.leaveOut(nowMs - dueAtMs, nowMs);
      else this.look(nowMs);
      if (this.waiting.size > 0) this.lookLater();
    });
  }

  /** Nobody was listened to for so long: it is no silence of theirs. */
  private leaveOut(lateMs: number, nowMs: number): void {
    const later = (atMs: number): number => Math.min(atMs + lateMs, nowMs);
    this.heardAtMs = later(this.heardAtMs);
    this.answeredAtMs = later(this.answeredAtMs);
    for (const one of this.waiting) one.askedAtMs = later(one.askedAtMs);
  }

  private look(nowMs: number): void {
    const { port } = this;
    if (port.received !== this.received) [this.received, this.heardAtMs] = [port.received, nowMs];
    if (port.answers !== this.answers) [this.answers, this.answeredAtMs] = [port.answers, nowMs];
    for (const { silentMs, askedAtMs, giveUp } of this.waiting) {
      const isSilent = nowMs - Math.max(askedAtMs, this.heardAtMs) >= silentMs;
      if (isSilent || nowMs - Math.max(askedAtMs, this.answeredAtMs) >= answerless * silentMs) giveUp();
    }
  }
}

const watches = new WeakMap<Question['port'], Watch>();

function watchOf(port: Question['port'], clock: Clock): Watch {
  const watch = watches.get(port) ?? new Watch(port, clock);
  watches.set(port, watch);
  return watch;
}

/**
 * The answer, waited for while whoever was asked says anything at all: no byte of any kind on that connection for so long is silence,
 * and the question is given up. A slow link is not a silent one. Nor is who still looks for what was asked (it says that it is there) until
 * it has answered nothing at all for three times as long. Time in which this process itself stood still does not count.
 */
export async function answerUnlessSilent(question: Question, silentMs: number, clock: Clock): Promise<ChunkAnswer | 'silent'> {
  const watch = watchOf(question.port, clock);
  let giveUp: () => void = () => undefined;
  const silent = new Promise<'silent'>((resolve) => (giveUp = () => resolve('silent')));
  const waiting: Waiting = { silentMs, askedAtMs: clock.monotonicMs(), giveUp };
  watch.add(waiting);
  const found = await Promise.race([question.answer, silent]);
  watch.delete(waiting);
  if (found === 'silent') question.cancel();
  return found;
}
