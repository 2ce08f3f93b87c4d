import type { Clock } from '@paravcl/shared/clock';
import { sleep } from '@paravcl/shared/clock';
import { chunkCount, type ManifestId } from '@paravcl/shared/chunks/manifest';
import type { Logger } from 'pino';
import { bringChunks } from './bring-chunks';
import type { MirrorLibrary } from './image-library';
import { wholeOrder } from './prefetch';
import type { StoredImage } from './stored-image';

const chunksAtOnce = 16;
/** Of an image that was not opened in order the chunks are hashed again, this many and then a pause as long. */
const checkedAtOnce = 16;
const checkAgainMs = 60_000;
/** A damaged chunk that nobody can give is left for the next time after so many tries. */
const mendTries = 3;

/** Makes images whole: brings what is missing, hashes again what is not believed, brings again what was found damaged. */
export class ImageCompletion {
  private readonly jobs = new Map<ManifestId, Promise<void>>();
  private readonly mending = new Map<StoredImage, Promise<void>>();
  private stopped = false;

  constructor(
    private readonly images: MirrorLibrary,
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

  /** Hashes what an unclean end of the host or a damaged chunk left doubtful, until nothing is: whole images become plain files again. */
  async checkAll(): Promise<void> {
    // Whoever reads the plain file reads wrong bytes until then.
    this.images.onChange(() => this.mendAll());
    while (!this.stopped) {
      for (const image of this.images.all()) {
        if (!image.isChecked) await this.check(image).catch((err: unknown) => this.log.warn({ err, manifest: image.id }, 'an image could not be hashed again; it is tried again'));
      }
      this.mendAll();
      await sleep(this.clock, checkAgainMs);
    }
  }

  /** Hashes what of it is not believed. */
  async check(image: StoredImage): Promise<void> {
    for (let index = 0; index < chunkCount(image.manifest) && !this.stopped && this.isHere(image); ) {
      const startMs = this.clock.monotonicMs();
      for (let checked = 0; checked < checkedAtOnce && index < chunkCount(image.manifest); index += 1) {
        if (!image.isUnchecked(index)) continue;
        await image.check(index);
        checked += 1;
      }
      await sleep(this.clock, this.clock.monotonicMs() - startMs);
    }
    // The last time there may have been no room to write it down.
    await image.believeAll();
  }

  /** Brings again what was found damaged. Answers when it is here, or was left for the next time. */
  mend(image: StoredImage): Promise<void> {
    const known = this.mending.get(image);
    if (known !== undefined) return known;
    const mending = this.bringDamaged(image)
      .catch((err: unknown) => this.log.warn({ err, manifest: image.id }, 'damaged chunks of an image could not be brought again; it is tried again'))
      .finally(() => this.mending.delete(image));
    this.mending.set(image, mending);
    return mending;
  }

  private mendAll(): void {
    for (const image of this.images.all()) if (image.damagedIndexes.length > 0) void this.mend(image);
  }

  private async bringDamaged(image: StoredImage): Promise<void> {
    const tried = new Set<number>();
    const left = (): readonly number[] => image.damagedIndexes.filter((index) => !tried.has(index));
    // More may be found meanwhile.
    for (let order = left(); order.length > 0 && !this.stopped && this.isHere(image); order = left()) {
      for (const index of order) tried.add(index);
      await bringChunks(this.clock, {
        image,
        order,
        atOnce: chunksAtOnce,
        tries: mendTries,
        // Its room is there.
        pool: { poolFull: false },
        isHere: (index) => image.has(index),
        isWanted: () => !this.stopped && this.isHere(image),
        onFault: (err, index) => this.log.warn({ err, manifest: image.id, index }, 'a damaged chunk could not be brought again; it is tried again'),
      });
    }
    await image.flush();
  }

  private async bring(image: StoredImage): Promise<void> {
    await bringChunks(this.clock, {
      image,
      order: wholeOrder(image, this.bootSet(image.id)),
      atOnce: chunksAtOnce,
      pool: this.images,
      isHere: async (index) => {
        await image.check(index);
        return image.has(index);
      },
      isWanted: () => !this.stopped && this.isHere(image),
      onFault: (error) => {
        throw error;
      },
    });
    await image.flush();
  }

  private isHere(image: StoredImage): boolean {
    return this.images.find(image.id) === image;
  }
}
