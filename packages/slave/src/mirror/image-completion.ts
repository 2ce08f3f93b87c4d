import type { Clock } from '@paravcl/shared/clock';
import { sleep } from '@paravcl/shared/clock';
import { chunkCount, type ManifestId } from '@paravcl/shared/chunks/manifest';
import type { Logger } from 'pino';
import { ChunkUnavailable } from './chunk-source';
import type { MirrorLibrary } from './image-library';
import { wholeOrder } from './prefetch';
import type { StoredImage } from './stored-image';

const chunksAtOnce = 16;
const unavailableMs = 2000;
const roomMs = 5000;
/** Of an image that was not opened in order the chunks are hashed again, this many and then a pause as long. */
const checkedAtOnce = 16;
const checkAgainMs = 60_000;

/** Makes images whole: brings what is missing, hashes again what is not believed since the host started. */
export class ImageCompletion {
  private readonly jobs = new Map<ManifestId, Promise<void>>();
  private stopped = false;

  constructor(
    private readonly library: MirrorLibrary,
    /** Of this image, what boots read: it comes first. */
    private readonly bootSet: (id: ManifestId) => readonly number[],
    private readonly clock: Clock,
    private readonly log: Logger,
  ) {}

  stop(): void {
    this.stopped = true;
  }

  /** Goes on in the background until the image is complete; one job per image. */
  complete(image: StoredImage): void {
    if (image.isComplete || this.jobs.has(image.id)) return;
    const job = this.bring(image)
      .catch((err: unknown) => this.log.warn({ err, manifest: image.id }, 'an image could not be made whole; it is tried again when it is asked for again'))
      .finally(() => this.jobs.delete(image.id));
    this.jobs.set(image.id, job);
  }

  /** Hashes what an unclean end of the host left doubtful, until nothing is: whole images become plain files again. */
  async checkAll(): Promise<void> {
    while (!this.stopped) {
      for (const image of this.library.all()) if (!image.isChecked) await this.check(image);
      await sleep(this.clock, checkAgainMs);
    }
  }

  private async bring(image: StoredImage): Promise<void> {
    const order = wholeOrder(image, this.bootSet(image.id));
    let next = 0;
    const worker = async (): Promise<void> => {
      while (next < order.length) await this.bringChunk(image, order[next++] ?? 0);
    };
    await Promise.all(Array.from({ length: chunksAtOnce }, worker));
    await image.flush();
  }

  private async bringChunk(image: StoredImage, index: number): Promise<void> {
    while (!this.stopped && this.isHere(image)) {
      await image.check(index);
      if (image.has(index)) return;
      if (this.library.poolFull) {
        await sleep(this.clock, roomMs);
        continue;
      }
      try {
        await image.obtain(index, false);
      } catch (error) {
        if (!(error instanceof ChunkUnavailable)) throw error;
        await sleep(this.clock, unavailableMs);
      }
    }
  }

  private async check(image: StoredImage): Promise<void> {
    for (let index = 0; index < chunkCount(image.manifest) && !this.stopped && this.isHere(image); ) {
      const startMs = this.clock.monotonicMs();
      for (let checked = 0; checked < checkedAtOnce && index < chunkCount(image.manifest); index += 1) {
        if (!image.isUnchecked(index)) continue;
        await image.check(index);
        checked += 1;
      }
      await sleep(this.clock, this.clock.monotonicMs() - startMs);
    }
  }

  private isHere(image: StoredImage): boolean {
    return this.library.find(image.id) === image;
  }
}
