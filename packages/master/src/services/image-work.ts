import type { Clock } from '@paravcl/shared/clock';
import { ParavclError } from '@paravcl/shared/errors';
import type { ImageHold, ImageHolds } from './image-holds';

export interface ImageWorkDeps {
  readonly clock: Clock;
  readonly holds: ImageHolds;
  readonly uploads: { remove(imageId: string): Promise<void> };
  /** Told of what failed when nobody waited for it any more. */
  readonly onFault: (error: unknown) => void;
}

/** The answer to an upload waits so long for its check; that of a larger one goes on behind it. */
const patienceMs = 10_000;

/** Work on the files of held images, some of it behind the answers. */
export class ImageWork {
  /** What goes on while nobody waits for it. */
  private readonly background = new Set<Promise<void>>();

  constructor(private readonly deps: ImageWorkDeps) {}

  /** Holds an image from now on; what is answered does the work and lets it go. */
  holding(id: string, work: (hold: ImageHold) => Promise<void>): () => Promise<void> {
    const hold = this.deps.holds.take(id);
    if (hold === null) throw new Error(`Image ${id} is held by somebody else.`);
    return async () => {
      try {
        await work(hold);
      } finally {
        await this.letGo(id, hold);
      }
    };
  }

  /** The files of one that was deleted meanwhile go with the hold. */
  async letGo(id: string, hold: ImageHold): Promise<void> {
    const { holds, uploads } = this.deps;
    holds.letGo(id);
    if (hold.deleted) await uploads.remove(id);
  }

  /** Waits for it as long as whoever asked is kept waiting; from then on it goes on behind the answer. */
  async awhile(work: Promise<void>): Promise<void> {
    const inTime = await new Promise<boolean>((resolve, reject) => {
      const cancel = this.deps.clock.after(patienceMs, () => resolve(false));
      void work.then(
        () => resolve(true),
        (error: unknown) => reject(error as Error),
      ).finally(cancel);
    });
    if (!inTime) this.behind(work.catch(this.tellFault));
  }

  /** One after the other, with nobody waiting; a fault of one is told and stops nothing else. */
  oneByOne(works: readonly (() => Promise<void>)[]): void {
    this.behind(
      (async () => {
        for (const work of works) await work().catch(this.tellFault);
      })(),
    );
  }

  /** Resolves when nothing goes on that nobody waits for. */
  async idle(): Promise<void> {
    while (this.background.size > 0) await Promise.allSettled(this.background);
  }

  private behind(work: Promise<void>): void {
    const tracked = work.finally(() => this.background.delete(tracked));
    this.background.add(tracked);
  }

  /** What was refused says so on the image. */
  private readonly tellFault = (error: unknown): void => {
    if (error instanceof ParavclError && (error.code === 'invalid-input' || error.code === 'not-found')) return;
    this.deps.onFault(error);
  };
}
