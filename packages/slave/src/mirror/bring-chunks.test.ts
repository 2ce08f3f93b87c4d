import { manifestOf } from '@paravcl/shared/chunks/manifest';
import { HandClock } from '../../test/fixtures/hand-clock';
import { bringChunks, type ChunksToBring } from './bring-chunks';
import { ChunkUnavailable } from './chunk-source';

const chunkBytes = 64 * 1024;
const chunks = 20;

/** Brings the chunks of an image from whoever a test says. */
class Site {
  readonly clock = new HandClock();
  readonly pool = { poolFull: false };
  readonly here = new Set<number>();
  readonly asked: number[] = [];
  readonly faults: (readonly [index: number, error: unknown])[] = [];
  isWanted = true;
  /** Whether what comes is kept. */
  keeps = true;
  give: (index: number) => Promise<void> = () => Promise.resolve();

  bring(order: readonly number[], further: Partial<ChunksToBring> = {}): Promise<void> {
    return bringChunks(this.clock, {
      image: {
        manifest: manifestOf({ chunkBytes, sizeBytes: chunks * chunkBytes }, Buffer.alloc(chunks * 32, 1)),
        obtain: async (index, urgent) => {
          expect(urgent).toBe(false);
          this.asked.push(index);
          await this.give(index);
          if (this.keeps) this.here.add(index);
          return Buffer.alloc(0);
        },
      },
      order,
      atOnce: 4,
      pool: this.pool,
      isHere: (index) => this.here.has(index),
      isWanted: () => this.isWanted,
      onFault: (error, index) => this.faults.push([index, error]),
      ...further,
    });
  }
}

const never = new Promise<void>(() => undefined);

test('chunks come in their order, so many at once; what is here and what the image does not have costs nothing', async () => {
  const site = new Site();
  site.here.add(3);
  site.give = (index) => (index === 0 ? never : Promise.resolve());
  void site.bring([5, 3, 900, 4, 2], { atOnce: 1 });
  await site.clock.advance(1);
  expect(site.asked).toEqual([5, 4, 2]);
  void site.bring([0, 1, 6], { atOnce: 1 });
  await site.clock.advance(1);
  expect(site.asked).toEqual([5, 4, 2, 0]);
  await site.bring([1, 6]);
  expect(site.asked).toEqual([5, 4, 2, 0, 1, 6]);
});

test('one that nobody can give is tried again until it is here, or left out after so many tries and keeps no other', async () => {
  const site = new Site();
  site.give = (index) => (index === 1 ? Promise.reject(new ChunkUnavailable('nobody has it')) : Promise.resolve());
  let ended = false;
  void site.bring([1, 2, 3], { atOnce: 1, tries: 3 }).then(() => (ended = true));
  await site.clock.advance(0);
  await site.clock.advance(5000);
  expect([site.asked, ended]).toEqual([[1, 1, 1], false]);
  await site.clock.advance(2000);
  expect([site.asked, ended]).toEqual([[1, 1, 1, 2, 3], true]);
  const whole = site.bring([1]);
  await site.clock.advance(0);
  await site.clock.advance(100_000);
  site.give = () => Promise.resolve();
  await site.clock.advance(2000);
  await whole;
  expect([site.here.has(1), site.faults]).toEqual([true, []]);
});

test('nothing is asked for while the pool is full, and what was not kept is asked for again', async () => {
  const site = new Site();
  site.pool.poolFull = true;
  const brought = site.bring([1, 2]);
  await site.clock.advance(60_000);
  expect(site.asked).toEqual([]);
  site.pool.poolFull = false;
  site.keeps = false;
  await site.clock.advance(5000);
  expect(site.asked).toEqual([1, 2]);
  site.keeps = true;
  await site.clock.advance(5000);
  await brought;
  expect(site.asked).toEqual([1, 2, 1, 2]);
});

test('it ends when it is no longer wanted, wherever it waits', async () => {
  const waits: readonly ((site: Site) => Partial<ChunksToBring>)[] = [
    (site) => ((site.pool.poolFull = true), {}),
    (site) => ((site.give = () => Promise.reject(new ChunkUnavailable('nobody has it'))), {}),
    () => ({ mbps: 0.01 }),
  ];
  for (const wait of waits) {
    const site = new Site();
    const brought = site.bring([0, 1, 2, 3, 4, 5, 6, 7, 8], wait(site));
    await site.clock.advance(1000);
    site.isWanted = false;
    const asked = site.asked.length;
    await site.clock.advance(1_000_000);
    await brought;
    expect(site.asked).toHaveLength(asked);
    expect(asked).toBeLessThan(9);
  }
});

test('another fault is told and the chunk tried again; when the telling throws, all of it ends', async () => {
  const site = new Site();
  const fault = new Error('the disk is broken');
  site.give = (index) => (index === 1 ? Promise.reject(fault) : Promise.resolve());
  void site.bring([1, 2], { tries: 2 });
  await site.clock.advance(0);
  await site.clock.advance(10_000);
  expect(site.faults).toEqual([[1, fault], [1, fault]]);
  const other = new Site();
  other.give = site.give;
  const failing = other.bring([1, 2, 3, 4, 5, 6, 7, 8], { atOnce: 2, mbps: 10.48576, onFault: (error) => { throw error; } });
  await expect(failing).rejects.toBe(fault);
  const asked = other.asked.length;
  await other.clock.advance(100_000);
  expect(other.asked).toHaveLength(asked);
});

test('beyond a first burst chunks come at the rate', async () => {
  const site = new Site();
  // 65,536 bytes at 10.48576 Mbit/s take 50 ms.
  const brought = site.bring(Array.from({ length: chunks }, (_, index) => index), { mbps: 10.48576 });
  await site.clock.advance(1);
  expect(site.asked.length).toBeLessThanOrEqual(5);
  await site.clock.advance(500);
  expect(site.asked.length).toBeGreaterThan(10);
  expect(site.asked.length).toBeLessThanOrEqual(15);
  await site.clock.advance(500);
  await brought;
  expect(site.asked).toHaveLength(chunks);
});
