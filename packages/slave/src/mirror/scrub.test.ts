import pino from 'pino';
import { HandClock, turn } from '../../test/fixtures/hand-clock';
import { LosingDisk } from '../../test/fixtures/losing-disk';
import { chunkOf, HonestSource, imageOf, testContent } from '../../test/fixtures/test-image';
import { ImageCompletion } from './image-completion';
import { MirrorLibrary } from './image-library';
import { Scrub } from './scrub';
import type { StoredImage } from './stored-image';

// Real files, synced: on a machine with other work that takes its time.
jest.setTimeout(30_000);

const chunkBytes = 65_536;
const chunks = 65;
const image = imageOf(testContent((chunks - 1) * chunkBytes + 512, 1));
const other = imageOf(testContent(8 * chunkBytes, 2));
const dataFile = `/pool/mirror/images/${image.id}/data`;
const dayMs = 24 * 3_600_000;

/** A host with a whole image, and everything that looks after it. */
class Host {
  clock = new HandClock();
  readonly disk = new LosingDisk();
  readonly source = new HonestSource(image, other);
  told = 0;
  images!: MirrorLibrary;
  scrub!: Scrub;
  stored!: StoredImage;

  static async withWholeImage(): Promise<Host> {
    const host = new Host();
    const completion = await host.start();
    completion.complete(host.stored);
    await host.passing(() => host.stored.isComplete, 500);
    await host.images.close();
    completion.stop();
    // From now on nothing is in memory.
    const again = await host.start();
    void again.checkAll();
    void host.scrub.run();
    return host;
  }

  /** Lets time pass until it holds; answers how much. */
  async passing(holds: () => boolean, stepMs: number): Promise<number> {
    const startMs = this.clock.monotonicMs();
    for (let waited = 0; !holds(); waited += 1) {
      if (waited > 5000) throw new Error('It did not come to that.');
      for (let at = 0; at < 100 && !holds(); at += 1) await turn();
      if (!holds()) await this.clock.advance(stepMs);
    }
    return this.clock.monotonicMs() - startMs;
  }

  async days(count: number): Promise<void> {
    for (let quarter = 0; quarter < count * 96; quarter += 1) {
      await this.clock.advance(900_000);
      for (let at = 0; at < 50; at += 1) await turn();
    }
  }

  rot(index: number): void {
    this.disk.rot(dataFile, index * chunkBytes + 3);
  }

  get isRight(): boolean {
    return this.disk.files.get(dataFile)?.cached.equals(image.content) === true;
  }

  private async start(): Promise<ImageCompletion> {
    const log = pino({ level: 'silent' });
    this.clock = new HandClock();
    this.images = await MirrorLibrary.open({ files: this.disk, poolDir: '/pool', bootId: 'boot 1', clock: this.clock, log, source: this.source, reserveMiB: 1, cacheMiB: null, imageCacheDays: 90 });
    this.images.onChange(() => (this.told += 1));
    const completion = new ImageCompletion(this.images, () => [], this.clock, log);
    this.scrub = new Scrub(this.images, completion, this.clock, log);
    this.stored = await this.images.open(image.id);
    return completion;
  }
}

test('what rots in a week is found while nobody reads it, and is right again in its place', async () => {
  const host = await Host.withWholeImage();
  const asked = host.source.asked.length;
  host.rot(7);
  host.rot(4);
  await host.days(6);
  expect([host.isRight, host.stored.isComplete]).toEqual([false, true]);
  await host.days(1.1);
  await host.passing(() => host.isRight && host.stored.isComplete, 1000);
  expect(host.source.asked.slice(asked).map(({ index }) => index)).toEqual([7]);
  expect(host.stored.damagedChunks).toBe(2);
  expect(host.stored.checkedAt).toBeGreaterThan(host.clock.now() - dayMs);
}, 30_000);

test('takes its time, and waits while chunks come for somebody', async () => {
  const host = await Host.withWholeImage();
  const second = await host.images.open(other.id);
  await host.days(6.9);
  let release: () => void = () => undefined;
  host.source.gate = () => new Promise((resolve) => (release = resolve));
  const coming = second.obtain(0, false);
  const checkedAt = (): number => host.stored.checkedAt ?? 0;
  const before = checkedAt();
  await host.days(0.5);
  expect(checkedAt()).toBe(before);
  release();
  await coming;
  const tookMs = await host.passing(() => checkedAt() > before, 10);
  // 4 MiB at 8 MiB/s.
  expect(tookMs).toBeGreaterThan(450);
  expect(tookMs).toBeLessThan(3000);
}, 30_000);

test('what another host is given is hashed first; a damaged one makes the image doubtful until all of it was hashed again', async () => {
  const host = await Host.withWholeImage();
  host.rot(7);
  const { told } = host;
  const guest = Buffer.alloc(chunkBytes);
  expect([host.stored.readHere(guest, 0, 6 * chunkBytes, chunkBytes), await host.stored.held(6)]).toEqual([true, chunkOf(image, 6)]);
  expect(await host.stored.held(7)).toBeNull();
  expect([host.stored.isComplete, host.stored.readHere(guest, 0, 6 * chunkBytes, chunkBytes)]).toEqual([false, false]);
  expect(await host.stored.read(7 * chunkBytes, chunkBytes)).toEqual(chunkOf(image, 7));
  await host.passing(() => host.told > told, 100);
  await host.passing(() => host.isRight && host.stored.isComplete, 1000);
  expect(host.stored.readHere(guest, 0, 6 * chunkBytes, chunkBytes)).toBe(true);
});

test('a damaged chunk of a plain file is brought again by itself, also into a full pool', async () => {
  const host = await Host.withWholeImage();
  host.disk.free = 0;
  await (await host.images.open(other.id)).obtain(0, false);
  expect(host.images.poolFull).toBe(true);
  host.rot(7);
  expect(await host.stored.held(7)).toBeNull();
  await host.passing(() => host.isRight && host.stored.isComplete, 1000);
});

test('a check that is asked for hashes everything now, and tells for some seconds how it ended', async () => {
  const host = await Host.withWholeImage();
  host.rot(7);
  host.rot(60);
  expect(host.scrub.ask(host.stored)).toMatchObject({ done: false, checkedChunks: 0 });
  await host.passing(() => host.scrub.ask(host.stored).done, 10);
  expect(host.scrub.ask(host.stored)).toEqual({ done: true, checkedChunks: chunks, damagedChunks: 2, missingChunks: 0, fault: null });
  expect([host.isRight, host.stored.isComplete]).toEqual([true, true]);
  await host.clock.advance(5000);
  expect(host.scrub.ask(host.stored)).toMatchObject({ done: false, damagedChunks: 0 });
  await host.passing(() => host.scrub.ask(host.stored).done, 10);
  expect(host.scrub.ask(host.stored)).toMatchObject({ damagedChunks: 0 });
  expect(host.stored.checkedAt).toBeGreaterThan(host.clock.now() - 1000);
});

test('tells what nobody could give again; it comes when somebody can', async () => {
  const host = await Host.withWholeImage();
  host.source.isAway = true;
  host.rot(7);
  await host.passing(() => host.scrub.ask(host.stored).done, 500);
  expect(host.scrub.ask(host.stored)).toMatchObject({ damagedChunks: 1, missingChunks: 1, fault: null });
  host.source.isAway = false;
  await host.passing(() => host.isRight && host.stored.isComplete, 1000);
});

test('a check of a disk that does not sync ends with what the disk says', async () => {
  const host = await Host.withWholeImage();
  host.rot(7);
  host.disk.isBroken = true;
  await host.passing(() => host.scrub.ask(host.stored).done, 500);
  expect(host.scrub.ask(host.stored).fault).toContain('EIO');
});
