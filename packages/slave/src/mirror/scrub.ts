import { sleep, type Clock } from '@paravcl/shared/clock';
import { chunkCount } from '@paravcl/shared/chunks/manifest';
import { MiB } from '@paravcl/shared/domain/limits';
import type { Logger } from 'pino';
import type { CheckStanding } from './control-api';
import type { ImageCompletion } from './image-completion';
import type { MirrorLibrary } from './image-library';
import type { StoredImage } from './stored-image';

/** So long after its last check an image is read again, for disks rot in silence. */
const everyMs = 7 * 24 * 3_600_000;
/** A disk of 10 GiB takes twenty minutes; no guest notices. */
const bytesPerMs = (8 * MiB) / 1000;
const lookEveryMs = 600_000;
/** While chunks come for somebody the disk is theirs. */
const yieldMs = 1000;
/** So many, then a pause. */
const chunksAtOnce = 16;
/** How a check that was asked for ended is told for so long; who asks later asks for the next one. */
const toldForMs = 5000;

interface AskedCheck extends CheckStanding {
  /** By the monotonic clock; null while it runs. */
  endedAtMs: number | null;
}

/**
 * Hashes chunks again that are believed: guests read the file of a whole image past the mirror, and nobody else would
 * notice what rots there. What is found damaged is brought again at once, into its place.
 */
export class Scrub {
  private readonly asked = new WeakMap<StoredImage, AskedCheck>();
  private stopped = false;

  constructor(
    private readonly images: Pick<MirrorLibrary, 'all' | 'find'>,
    private readonly completion: Pick<ImageCompletion, 'check' | 'mend'>,
    private readonly clock: Clock,
    private readonly log: Logger,
  ) {}

  stop(): void {
    this.stopped = true;
  }

  /** One image after the other, each when its last check is long ago. */
  async run(): Promise<void> {
    while (!this.stopped) {
      await sleep(this.clock, lookEveryMs);
      for (const image of this.images.all()) {
        if (this.isDue(image)) await this.scrub(image).catch((err: unknown) => this.log.warn({ err, manifest: image.id }, 'an image could not be hashed again now; it is tried again'));
      }
    }
  }

  /** Hashes all of the image now, unless that is under way or was just done, and answers how far it is. */
  ask(image: StoredImage): CheckStanding & { readonly done: boolean } {
    const known = this.asked.get(image);
    const isFresh = known !== undefined && (known.endedAtMs === null || this.clock.monotonicMs() - known.endedAtMs < toldForMs);
    const check = isFresh ? known : this.begin(image);
    const { checkedChunks, damagedChunks, missingChunks, fault } = check;
    return { checkedChunks, damagedChunks, missingChunks, fault, done: check.endedAtMs !== null };
  }

  private begin(image: StoredImage): AskedCheck {
    const check: AskedCheck = { checkedChunks: 0, damagedChunks: 0, missingChunks: 0, fault: null, endedAtMs: null };
    this.asked.set(image, check);
    void this.check(image, check)
      .catch((err: unknown) => {
        this.log.warn({ err, manifest: image.id }, 'an image that was to be checked could not be');
        check.fault = err instanceof Error ? err.message : String(err);
      })
      .finally(() => {
        check.missingChunks = image.damagedIndexes.length;
        check.endedAtMs = this.clock.monotonicMs();
      });
    return check;
  }

  private async check(image: StoredImage, check: AskedCheck): Promise<void> {
    const before = image.damagedChunks;
    const count = (checkedChunks: number): void => {
      Object.assign(check, { checkedChunks, damagedChunks: image.damagedChunks - before });
    };
    for (let index = 0; index < chunkCount(image.manifest) && this.isHere(image); ) {
      const startMs = this.clock.monotonicMs();
      index = await this.hashSome(image, index);
      count(index);
      await sleep(this.clock, this.clock.monotonicMs() - startMs);
    }
    // Since one was found damaged those before it are doubted too.
    if (!image.isChecked) await this.completion.check(image);
    await this.completion.mend(image);
    count(check.checkedChunks);
    if (check.damagedChunks === 0 && this.isHere(image)) await image.noteChecked();
  }

  private isDue(image: StoredImage): boolean {
    // Also when it was checked in the future: the host's time of day was wrong.
    return image.isChecked && Math.abs(this.clock.now() - (image.checkedAt ?? 0)) >= everyMs;
  }

  /** Ends when something is found: all of the image is hashed again then, by ImageCompletion. */
  private async scrub(image: StoredImage): Promise<void> {
    for (let index = 0; index < chunkCount(image.manifest); ) {
      while (this.images.all().some(({ isBringing }) => isBringing)) await sleep(this.clock, yieldMs);
      if (!this.isHere(image) || !image.isChecked) return;
      const [startMs, first] = [this.clock.monotonicMs(), index];
      index = await this.hashSome(image, index);
      const tookMs = this.clock.monotonicMs() - startMs;
      await sleep(this.clock, Math.max(tookMs, ((index - first) * image.manifest.chunkBytes) / bytesPerMs - tookMs));
    }
    await image.noteChecked();
    this.log.info({ manifest: image.id }, 'an image was hashed again; it is as it was');
  }

  /** Some from `index`; the index of the next one. */
  private async hashSome(image: StoredImage, index: number): Promise<number> {
    const end = Math.min(index + chunksAtOnce, chunkCount(image.manifest));
    for (let at = index; at < end; at += 1) {
      if (image.has(at)) await image.recheck(at);
      if (image.damagedIndexes.length > 0) void this.completion.mend(image);
    }
    return end;
  }

  private isHere(image: StoredImage): boolean {
    return !this.stopped && this.images.find(image.id) === image;
  }
}
