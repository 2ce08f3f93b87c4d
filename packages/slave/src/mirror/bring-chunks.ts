import { sleep, type Clock } from '@paravcl/shared/clock';
import { chunkCount, chunkLength } from '@paravcl/shared/chunks/manifest';
import { ChunkUnavailable } from './chunk-source';
import type { ImageLibrary, LocalImage } from './local-image';
import type { ReadAhead } from './read-ahead';

/** A chunk that nobody can give is asked for again so much later. */
const unavailableMs = 2000;
/** How often it is looked whether there is room again. */
const roomMs = 5000;

export interface ChunksToBring {
  readonly image: Pick<LocalImage, 'manifest' | 'obtain'>;
  /** Their indices; those that the image does not have are left out, for patterns are learnt from what others tell. */
  readonly order: readonly number[];
  /** Chunks on their way at a time. */
  readonly atOnce: number;
  /** Most that is brought, Mbit/s; left out: as fast as they come. */
  readonly mbps?: number;
  /** After so many tries a chunk is left out; left out itself: it is tried until it is here. */
  readonly tries?: number;
  readonly pool: Pick<ImageLibrary, 'poolFull'>;
  /** Of a reader for whom the order is brought; left out: everything as soon as it can be. */
  readonly ahead?: Pick<ReadAhead, 'turn'>;
  /** Whether the chunk need not be brought, or no longer. */
  isHere(index: number): boolean | Promise<boolean>;
  /** Asked before each step: what is on its way still comes when it says no, and nothing else. */
  isWanted(): boolean;
  /** Told of what went wrong but that nobody had the chunk, which is tried again then. What this throws ends it all. */
  onFault(error: unknown, index: number): void;
}

/** Brings chunks that no guest waits for, in their order: waits while the pool is full, and tries again what nobody could give. */
export async function bringChunks(clock: Clock, { image, order, atOnce, mbps, ahead, tries = Number.POSITIVE_INFINITY, ...wish }: ChunksToBring): Promise<void> {
  const chunks = chunkCount(image.manifest);
  const pace = mbps === undefined ? null : new Pace(clock, mbps, atOnce * image.manifest.chunkBytes);
  let next = 0;
  let isOver = false;
  const goesOn = (): boolean => !isOver && wish.isWanted();
  const room = async (): Promise<void> => {
    while (wish.pool.poolFull && goesOn()) await sleep(clock, roomMs);
  };
  /** One that came while there was no room was not kept. */
  const obtain = async (index: number): Promise<void> => {
    try {
      await image.obtain(index, false);
      if (!(await wish.isHere(index))) await sleep(clock, roomMs);
    } catch (error) {
      if (!(error instanceof ChunkUnavailable)) wish.onFault(error, index);
      await sleep(clock, unavailableMs);
    }
  };
  const bring = async (index: number): Promise<void> => {
    for (let tried = 0; tried < tries && goesOn() && !(await wish.isHere(index)); tried += 1) {
      await room();
      await pace?.turn(chunkLength(image.manifest, index));
      if (goesOn()) await obtain(index);
    }
  };
  const worker = async (): Promise<void> => {
    while (next < order.length && goesOn()) {
      const place = next++;
      const index = order[place] ?? 0;
      if (index >= chunks) continue;
      const done = await ahead?.turn(place);
      await bring(index);
      done?.();
    }
  };
  try {
    await Promise.all(Array.from({ length: atOnce }, worker));
  } finally {
    isOver = true;
  }
}

/** Keeps to a rate. A burst is always allowed, since links are to be kept busy; time that was not used is not saved up. */
class Pace {
  private readonly bytesPerMs: number;
  private readonly burstMs: number;
  /** When the link is free again by the rate. */
  private freeAtMs: number;

  constructor(
    private readonly clock: Clock,
    mbps: number,
    burstBytes: number,
  ) {
    this.bytesPerMs = (mbps * 1e6) / 8 / 1000;
    this.burstMs = burstBytes / this.bytesPerMs;
    this.freeAtMs = clock.monotonicMs();
  }

  async turn(bytes: number): Promise<void> {
    const nowMs = this.clock.monotonicMs();
    this.freeAtMs = Math.max(this.freeAtMs, nowMs) + bytes / this.bytesPerMs;
    if (this.freeAtMs - nowMs > this.burstMs) await sleep(this.clock, this.freeAtMs - nowMs - this.burstMs);
  }
}
