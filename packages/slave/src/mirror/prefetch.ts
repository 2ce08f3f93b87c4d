import type { Cancel, Clock } from '@paravcl/shared/clock';
import type { AccessPattern } from '@paravcl/shared/chunks/access-pattern';
import { chunkCount, type ManifestId } from '@paravcl/shared/chunks/manifest';
import type { PreCopy } from '@paravcl/shared/chunks/mirror-messages';
import type { Logger } from 'pino';
import { bringChunks } from './bring-chunks';
import type { ReadFollower } from './image-export';
import type { ImageLibrary, LocalImage } from './local-image';
import { ReadAhead } from './read-ahead';

/** Chunks on their way at a time: what a link of 1 Gbit/s and an owner that waits for the master itself need to stay busy. */
const window = 64;
/** A chunk that nobody can give is left out after so many tries: one bad chunk must not keep all others. It is fetched when it is read. */
const tries = 15;
/** An image of which something could not be brought for the calendar is tried again so much later. */
const wishAgainMs = 30_000;

export interface PrefetchRates {
  /** Ahead of a guest that boots, Mbit/s. */
  readonly prefetchMbps: number;
  /** For the calendar, while nobody waits, Mbit/s. */
  readonly preCopyMbps: number;
}

/** An image, and how many of its guests read it. */
interface Booting {
  readonly image: LocalImage;
  guests: number;
  /** While it is brought: where each chunk stands in the order, and how far the guest is that read furthest. */
  bringing: { readonly places: ReadonlyMap<number, number>; readonly ahead: ReadAhead } | null;
}

/**
 * Brings chunks ahead of need, one image at a time per reason: the pattern of an image whose guest boots here, in the order
 * in which boots read it; and what the master wants here for coming reservations. What a guest waits for goes before.
 */
export class Prefetcher {
  private readonly patterns = new Map<ManifestId, AccessPattern>();
  private readonly booting = new Map<ManifestId, Booting>();
  private wished: readonly { readonly manifest: ManifestId; readonly what: PreCopy }[] = [];
  private readonly running = new Set<ManifestId>();
  private stopped = false;
  private preCopying = false;
  private preCopyDue = false;
  private cancelAgain: Cancel = () => undefined;

  constructor(
    private readonly images: ImageLibrary,
    private readonly clock: Clock,
    private readonly rates: PrefetchRates,
    private readonly log: Logger,
  ) {}

  /** Chunks of a boot in their order; empty while no pattern is known. */
  bootSet(id: ManifestId): readonly number[] {
    return this.patterns.get(id)?.boot ?? [];
  }

  pattern(id: ManifestId, pattern: AccessPattern): void {
    this.patterns.set(id, pattern);
    const booting = this.booting.get(id);
    if (booting !== undefined) this.bringAhead(booting);
    void this.preCopy();
  }

  /** A guest of this image boots here, or is about to. With the end of the last of them nothing more is brought ahead. */
  boots(image: LocalImage): ReadFollower {
    const known = this.booting.get(image.id);
    const booting = known?.image === image ? known : { image, guests: 0, bringing: null };
    if (known !== booting) known?.bringing?.ahead.end();
    booting.guests += 1;
    this.booting.set(image.id, booting);
    this.bringAhead(booting);
    let reads = true;
    return {
      read: (firstChunk, lastChunk) => {
        const { bringing } = booting;
        if (bringing === null) return;
        for (let index = firstChunk; index <= lastChunk; index += 1) bringing.ahead.read(bringing.places.get(index) ?? 0);
      },
      end: () => {
        if (reads) booting.guests -= 1;
        reads = false;
        if (booting.guests > 0) return;
        booting.bringing?.ahead.end();
        if (this.booting.get(image.id) === booting) this.booting.delete(image.id);
      },
    };
  }

  /** Everything the master wants here ahead of need. */
  wish(images: readonly { readonly manifest: ManifestId; readonly what: PreCopy }[]): void {
    this.wished = images;
    void this.preCopy();
  }

  /** The image is no longer on this host. */
  forget(id: ManifestId): void {
    this.patterns.delete(id);
    this.booting.get(id)?.bringing?.ahead.end();
    this.booting.delete(id);
  }

  stop(): void {
    this.stopped = true;
    this.cancelAgain();
    for (const { bringing } of this.booting.values()) bringing?.ahead.end();
  }

  private bringAhead(booting: Booting): void {
    const { image } = booting;
    const pattern = this.patterns.get(image.id);
    if (pattern === undefined || this.running.has(image.id)) return;
    this.running.add(image.id);
    const order = [...pattern.boot, ...pattern.application, ...pattern.shutdown];
    const ahead = new ReadAhead();
    booting.bringing = { places: new Map(order.map((index, place) => [index, place])), ahead };
    void this.bring(image, order, this.rates.prefetchMbps, () => this.booting.get(image.id) === booting, ahead).finally(() => {
      booting.bringing = null;
      this.running.delete(image.id);
      const now = this.booting.get(image.id);
      // A newer pattern came, or the last guest ended, or the image went, and another came.
      if (now !== undefined && (now !== booting || this.patterns.get(image.id) !== pattern)) this.bringAhead(now);
    });
  }

  /** The wished images one after another; once more when the wish or a pattern changed meanwhile. */
  private async preCopy(): Promise<void> {
    this.preCopyDue = true;
    if (this.preCopying) return;
    this.preCopying = true;
    while (this.preCopyDue && !this.stopped) {
      this.preCopyDue = false;
      const wished = this.wished;
      for (const { manifest, what } of wished) {
        if (this.wished === wished && !this.stopped) await this.preCopyOne(manifest, what, () => this.wished === wished);
      }
    }
    this.preCopying = false;
  }

  private async preCopyOne(manifest: ManifestId, what: PreCopy, isWanted: () => boolean): Promise<void> {
    try {
      const image = await this.images.open(manifest);
      const order = what === 'all' ? wholeOrder(image, this.bootSet(manifest)) : this.bootSet(manifest);
      await this.bring(image, order, this.rates.preCopyMbps, isWanted);
      if (isWanted() && order.some((index) => !image.has(index))) this.preCopyAgain();
    } catch (error) {
      this.log.warn({ err: error, manifest }, 'an image cannot be brought ahead of need now; it is tried again, and fetched as it is read meanwhile');
      this.preCopyAgain();
    }
  }

  private preCopyAgain(): void {
    this.cancelAgain();
    this.cancelAgain = this.clock.after(wishAgainMs, () => void this.preCopy());
  }

  private bring(image: LocalImage, order: readonly number[], mbps: number, isWanted: () => boolean, ahead?: ReadAhead): Promise<void> {
    return bringChunks(this.clock, {
      image,
      order,
      atOnce: window,
      mbps,
      tries,
      ...(ahead === undefined ? {} : { ahead }),
      pool: this.images,
      isHere: (index) => image.has(index),
      isWanted: () => !this.stopped && isWanted(),
      onFault: (error, index) => this.log.warn({ err: error, manifest: image.id, index }, 'a chunk could not be brought ahead; it is tried again'),
    });
  }
}

/** What boots read first, then the rest in order. */
export function wholeOrder(image: Pick<LocalImage, 'manifest'>, bootSet: readonly number[]): readonly number[] {
  const first = new Set(bootSet);
  const rest: number[] = [];
  for (let index = 0; index < chunkCount(image.manifest); index += 1) if (!first.has(index)) rest.push(index);
  return [...first, ...rest];
}
