import type { ImageHolding, PreCopy } from '@paravcl/shared/chunks/mirror-messages';
import { manifestOf } from '@paravcl/shared/chunks/manifest';
import { pino } from 'pino';
import { HandClock } from '../../test/fixtures/hand-clock';
import { ChunkUnavailable } from './chunk-source';
import type { ImageLibrary, LocalImage } from './local-image';
import { Prefetcher, wholeOrder } from './prefetch';

const chunkBytes = 64 * 1024;
const chunks = 200;

/** An image of which chunks come when they are asked for, unless nobody can give them. */
class Image implements LocalImage {
  readonly manifest = manifestOf({ chunkBytes, sizeBytes: chunks * chunkBytes }, Buffer.alloc(chunks * 32, 1));
  readonly obtained: number[] = [];
  private readonly here = new Set<number>();
  readonly asked: number[] = [];
  unavailable = false;
  /** Nothing comes before `come`. */
  slow = false;
  private readonly coming: (() => void)[] = [];

  constructor(readonly id: string) {}

  has(index: number): boolean {
    return this.here.has(index);
  }

  obtain(index: number, urgent: boolean): Promise<Buffer> {
    expect(urgent).toBe(false);
    if (this.unavailable) return Promise.reject(new ChunkUnavailable('nobody has it now'));
    this.asked.push(index);
    const came = (): Buffer => {
      this.obtained.push(index);
      this.here.add(index);
      return Buffer.alloc(0);
    };
    return this.slow ? new Promise((resolve) => this.coming.push(() => resolve(came()))) : Promise.resolve(came());
  }

  come(): void {
    this.slow = false;
    for (const one of this.coming.splice(0)) one();
  }

  read = (): never => unexpected();
  held = (): never => unexpected();
  present = (): never => unexpected();
  holding = (): ImageHolding => unexpected();
}

function unexpected(): never {
  throw new Error('fetching ahead asks for nothing but chunks');
}

class Library implements ImageLibrary {
  readonly images = new Map<string, Image>();
  poolFull = false;
  fault: Error | null = null;

  add(id: string): Image {
    const image = new Image(id);
    this.images.set(id, image);
    return image;
  }

  find = (): never => unexpected();
  soon = (): never => unexpected();
  all = (): never => unexpected();
  onChange = (): never => unexpected();

  open(id: string): Promise<LocalImage> {
    const image = this.images.get(id);
    return this.fault === null && image !== undefined ? Promise.resolve(image) : Promise.reject(this.fault ?? new Error('no such image'));
  }
}

const id = 'a'.repeat(64);
const pattern = (boot: readonly number[], revision = 1) => ({ revision, boot: [...boot], application: [], shutdown: [] });
const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, at) => from + at);
const wish = (what: PreCopy, manifest = id) => [{ manifest, what }];

function made(rates = { prefetchMbps: 100_000, preCopyMbps: 100_000 }) {
  const [library, clock] = [new Library(), new HandClock()];
  return { library, clock, image: library.add(id), prefetcher: new Prefetcher(library, clock, rates, pino({ level: 'silent' })) };
}

describe('ahead of a guest that boots', () => {
  it('brings what boots read, in their order, whichever of guest and pattern is known first', async () => {
    const order = [7, 3, 150, 0, 12];
    for (const guestFirst of [true, false]) {
      const { prefetcher, image, clock } = made();
      if (guestFirst) prefetcher.boots(image);
      prefetcher.pattern(id, pattern(order));
      if (!guestFirst) prefetcher.boots(image);
      await clock.advance(10);
      expect(image.obtained).toEqual(order);
    }
  });

  it('brings what a newer pattern adds', async () => {
    const { prefetcher, image, clock } = made();
    prefetcher.boots(image);
    prefetcher.pattern(id, pattern([1]));
    prefetcher.pattern(id, pattern([1, 2], 2));
    await clock.advance(10);
    expect(image.obtained).toEqual([1, 2]);
  });

  it('keeps to its rate once a first window is on its way', async () => {
    // 65,536 bytes at 10.48576 Mbit/s take 50 ms.
    const { prefetcher, image, clock } = made({ prefetchMbps: 10.48576, preCopyMbps: 1 });
    prefetcher.pattern(id, pattern(range(0, 200)));
    prefetcher.boots(image);
    await clock.advance(1);
    expect(image.obtained.length).toBeLessThanOrEqual(66);
    await clock.advance(5000);
    expect(image.obtained.length).toBeGreaterThan(90);
    expect(image.obtained.length).toBeLessThan(66 + 64 + 100);
    await clock.advance(20_000);
    expect(image.obtained).toHaveLength(200);
  });

  it('stays ahead of what the guest reads, and of the rest brings a little at a time', async () => {
    const { prefetcher, image, clock } = made();
    image.slow = true;
    prefetcher.pattern(id, pattern(range(0, 200)));
    const guest = prefetcher.boots(image);
    await clock.advance(1);
    expect(image.asked).toEqual(range(0, 50));
    guest.read(15, 16);
    await clock.advance(1);
    expect(image.asked.slice(50)).toEqual(range(50, 64));
    guest.end();
    image.come();
    await clock.advance(10);
    expect(image.asked).toHaveLength(64);
  });

  it('waits while there is no room, and while nobody can give chunks, and goes on', async () => {
    const { prefetcher, library, image, clock } = made();
    library.poolFull = true;
    prefetcher.pattern(id, pattern([1, 2, 3]));
    prefetcher.boots(image);
    await clock.advance(4000);
    expect(image.obtained).toEqual([]);
    library.poolFull = false;
    image.unavailable = true;
    await clock.advance(6000);
    expect(image.obtained).toEqual([]);
    image.unavailable = false;
    await clock.advance(3000);
    expect([...image.obtained].sort()).toEqual([1, 2, 3]);
  });

  it('brings nothing more once the last of its guests ended, whatever pattern comes', async () => {
    const { prefetcher, image, clock } = made();
    prefetcher.pattern(id, pattern([1]));
    const [one, other] = [prefetcher.boots(image), prefetcher.boots(image)];
    one.end();
    one.end();
    prefetcher.pattern(id, pattern([1, 2], 2));
    await clock.advance(10);
    expect(image.obtained).toEqual([1, 2]);
    other.end();
    prefetcher.pattern(id, pattern([1, 2, 3], 3));
    await clock.advance(10_000);
    expect(image.obtained).toEqual([1, 2]);
  });

  it('leaves off in the middle when its guest ends, and brings the rest for one that comes at once or later', async () => {
    for (const comesAtOnce of [true, false]) {
      const { prefetcher, image, clock } = made();
      image.unavailable = true;
      prefetcher.pattern(id, pattern([1, 2, 3]));
      const guest = prefetcher.boots(image);
      await clock.advance(10);
      guest.end();
      if (comesAtOnce) prefetcher.boots(image);
      image.unavailable = false;
      await clock.advance(10_000);
      if (!comesAtOnce) {
        expect(image.obtained).toEqual([]);
        prefetcher.boots(image);
        await clock.advance(10);
      }
      expect([...image.obtained].sort()).toEqual([1, 2, 3]);
    }
  });

  it('is not ended by a guest of an image that went and came again', async () => {
    const { prefetcher, image, library, clock } = made();
    const guest = prefetcher.boots(image);
    prefetcher.forget(id);
    const again = library.add(id);
    prefetcher.boots(again);
    guest.end();
    prefetcher.pattern(id, pattern([1, 2]));
    await clock.advance(10);
    expect(again.obtained).toEqual([1, 2]);
  });

  it('stops for an image that left this host, and begins anew when it comes again', async () => {
    const { prefetcher, image, library, clock } = made();
    image.unavailable = true;
    prefetcher.pattern(id, pattern([1, 2]));
    prefetcher.boots(image);
    await clock.advance(10);
    prefetcher.forget(id);
    image.unavailable = false;
    await clock.advance(10_000);
    expect(image.obtained).toEqual([]);
    const again = library.add(id);
    prefetcher.boots(again);
    prefetcher.pattern(id, pattern([1, 2]));
    await clock.advance(10);
    expect(again.obtained).toEqual([1, 2]);
  });
});

describe('ahead of a reservation', () => {
  it('brings the boot set, also when its pattern becomes known only then', async () => {
    const { prefetcher, image, clock } = made();
    prefetcher.wish(wish('boot-set'));
    await clock.advance(10);
    expect(image.obtained).toEqual([]);
    prefetcher.pattern(id, pattern([5, 4]));
    await clock.advance(10);
    expect(image.obtained).toEqual([5, 4]);
  });

  it('brings everything where that is wanted, what boots read first', async () => {
    const { prefetcher, image, clock } = made();
    prefetcher.pattern(id, pattern([9, 8]));
    prefetcher.wish(wish('all'));
    for (let turn = 0; turn < 10; turn += 1) await clock.advance(100);
    expect(image.obtained.slice(0, 2)).toEqual([9, 8]);
    // Those that wait for the rate's sake may overtake each other.
    expect([...image.obtained].sort((a, b) => a - b)).toEqual(range(0, chunks));
    expect(wholeOrder(image, [9, 8]).slice(0, 4)).toEqual([9, 8, 0, 1]);
  });

  it('leaves off what is no longer wanted', async () => {
    const { prefetcher, image, clock } = made({ prefetchMbps: 1, preCopyMbps: 1 });
    prefetcher.wish(wish('all'));
    await clock.advance(10);
    prefetcher.wish([]);
    const before = image.obtained.length;
    await clock.advance(600_000);
    // Those that waited for their turn look once more whether they are wanted.
    expect(image.obtained.length - before).toBeLessThanOrEqual(64);
    expect(image.obtained.length).toBeLessThan(chunks);
  });

  it('tries again with an image that could not be opened, and is not kept from the others by it', async () => {
    const { prefetcher, library, image, clock } = made();
    const other = library.add('b'.repeat(64));
    library.fault = new ChunkUnavailable('the master is away');
    prefetcher.wish([...wish('all'), ...wish('all', other.id)]);
    await clock.advance(10);
    library.fault = null;
    await clock.advance(31_000);
    expect([image.obtained.length, other.obtained.length]).toEqual([chunks, chunks]);
  });
});
