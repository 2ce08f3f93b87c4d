import pino from 'pino';
import { HandClock, turn } from '../../test/fixtures/hand-clock';
import { LosingDisk } from '../../test/fixtures/losing-disk';
import { chunkOf, HonestSource, imageOf, testContent, type TestImage } from '../../test/fixtures/test-image';
import { ChunkUnavailable, ManifestMissing } from './chunk-source';
import { launchMs } from './eviction';
import { ImageCompletion } from './image-completion';
import { MirrorLibrary, NoRoom } from './image-library';
import type { StoredImage } from './stored-image';

const chunkBytes = 4096;
const image = imageOf(testContent(20 * chunkBytes + 512, 1, { chunkBytes }), chunkBytes);
/** The next version: the same but for two chunks. */
const newer = imageOf(changed(image.content), chunkBytes);
const instanceId = '0191a6e0-0000-7000-8000-000000000001';
const hourMs = 3_600_000;

function changed(content: Buffer): Buffer {
  const copy = Buffer.from(content);
  copy.write('another', 3 * chunkBytes);
  copy.write('another', 11 * chunkBytes);
  return copy;
}

class Host {
  readonly disk = new LosingDisk();
  readonly source = new HonestSource(image, newer);
  clock = new HandClock();
  bootNumber = 1;

  async images(further: { readonly cacheMiB?: number } = {}): Promise<MirrorLibrary> {
    return MirrorLibrary.open({
      files: this.disk,
      poolDir: '/pool',
      bootId: `boot ${this.bootNumber}`,
      clock: this.clock,
      log: pino({ level: 'silent' }),
      source: this.source,
      reserveMiB: 1,
      cacheMiB: further.cacheMiB ?? null,
      imageCacheDays: 30,
    });
  }

  hold({ id }: TestImage): Promise<void> {
    return this.disk.replace(`/pool/instances/${instanceId}/images`, Buffer.from(`${id}\n`));
  }

  has({ id }: TestImage): boolean {
    return this.disk.files.has(`/pool/mirror/images/${id}/data`);
  }
}

/** Waits for a state, while the clock stands still. */
async function until(holds: () => boolean): Promise<void> {
  for (let waited = 0; !holds(); waited += 1) {
    if (waited > 20_000) throw new Error('It did not come to that.');
    await turn();
  }
}

/** Lets time pass until the promise is settled. */
async function passing<T>(clock: HandClock, work: Promise<T>, stepMs = 500): Promise<T> {
  let settled = false;
  const done = work.finally(() => (settled = true));
  done.catch(() => undefined);
  for (let waited = 0; !settled; waited += 1) {
    if (waited > 20_000) throw new Error('It did not end.');
    for (let at = 0; at < 10 && !settled; at += 1) await turn();
    if (!settled) await clock.advance(stepMs);
  }
  return done;
}

async function readAll(stored: StoredImage): Promise<void> {
  expect((await stored.read(0, stored.manifest.sizeBytes)).equals(stored.id === image.id ? image.content : newer.content)).toBe(true);
}

/** The image is here, every byte of it, and on the disk. */
async function whole(host: Host): Promise<void> {
  const stored = await (await host.images()).open(image.id);
  await readAll(stored);
  await until(() => stored.isComplete);
  await host.clock.advance(1000);
  const state = (): Buffer | undefined => host.disk.files.get(`/pool/mirror/images/${image.id}/present`)?.durable;
  await until(() => state()?.equals(stored.present()) === true);
}

test('any range is read right, and what was read once is here', async () => {
  const host = new Host();
  const stored = await (await host.images()).open(image.id);
  for (const [offset, length] of [[0, 1], [chunkBytes - 1, 2], [5000, 30_000], [image.content.length - 600, 600], [4 * chunkBytes, chunkBytes]] as const) {
    expect(await stored.read(offset, length)).toEqual(image.content.subarray(offset, offset + length));
  }
  await readAll(stored);
  const asked = host.source.asked.length;
  await until(() => stored.isComplete);
  await readAll(stored);
  expect(host.source.asked).toHaveLength(asked);
  expect(stored.holding([1, 2, 900])).toEqual({ manifest: image.id, presentChunks: 21, totalChunks: 21, presentBootChunks: 2, totalBootChunks: 2, complete: true });
  await expect(stored.read(0, image.content.length + 1)).rejects.toThrow(RangeError);
});

test('readers who miss the same chunk share one transfer, which the first who waits makes urgent', async () => {
  const host = new Host();
  const stored = await (await host.images()).open(image.id);
  let answer: () => void = () => undefined;
  host.source.gate = () => new Promise((resolve) => (answer = resolve));
  const ahead = stored.obtain(2, false);
  await until(() => host.source.asked.length === 1);
  const waiting = [stored.obtain(2, true), stored.obtain(2, true)];
  expect(host.source.asked.map(({ urgent }) => urgent)).toEqual([false, true]);
  answer();
  for (const chunk of await Promise.all([ahead, ...waiting])) expect(chunk).toEqual(chunkOf(image, 2));
  expect(host.source.asked).toHaveLength(2);
});

test('chunks that another image here has are not fetched', async () => {
  const host = new Host();
  const library = await host.images();
  await readAll(await library.open(image.id));
  await until(() => library.find(image.id)?.isComplete === true);
  const asked = host.source.asked.length;
  await readAll(await library.open(newer.id));
  expect(host.source.asked.slice(asked).map(({ index }) => index).sort((a, b) => a - b)).toEqual([3, 11]);
  expect(library.fromOtherImagesBytes).toBe(15 * chunkBytes - 2 * chunkBytes + 512 + chunkBytes);
});

test('a reader waits while nobody can be asked, and is served when somebody comes back', async () => {
  const host = new Host();
  const stored = await (await host.images()).open(image.id);
  host.source.isAway = true;
  const read = stored.read(0, 100);
  await host.clock.advance(10_000);
  host.source.isAway = false;
  expect(await passing(host.clock, read)).toEqual(image.content.subarray(0, 100));
});

test('after 25 seconds a read that nobody can serve fails, and a later one is tried again', async () => {
  const host = new Host();
  const stored = await (await host.images()).open(image.id);
  host.source.isAway = true;
  const startMs = host.clock.monotonicMs();
  await expect(passing(host.clock, stored.read(0, 100))).rejects.toThrow(ChunkUnavailable);
  expect(host.clock.monotonicMs() - startMs).toBeGreaterThanOrEqual(24_000);
  expect(host.clock.monotonicMs() - startMs).toBeLessThanOrEqual(26_000);
  host.source.gate = () => new Promise(() => undefined);
  host.source.isAway = false;
  await expect(passing(host.clock, stored.read(0, 100))).rejects.toThrow(/did not come within 25 s/);
  await expect(stored.obtain(100, true)).rejects.toThrow(RangeError);
});

test('an image that the site does not have is said to be missing, and leaves nothing behind', async () => {
  const host = new Host();
  const library = await host.images();
  await expect(library.open('e'.repeat(64))).rejects.toThrow(ManifestMissing);
  host.source.isAway = true;
  await expect(library.open(image.id)).rejects.toThrow(ChunkUnavailable);
  expect(library.all()).toEqual([]);
  host.source.isAway = false;
  const [one, other] = await Promise.all([library.open(image.id), library.open(image.id)]);
  expect(one).toBe(other);
});

test('a mirror that was killed finds its images and their chunks', async () => {
  const host = new Host();
  await whole(host);
  host.disk.kill();
  host.source.isAway = true;
  host.clock = new HandClock();
  const again = (await host.images()).find(image.id);
  expect(again?.isComplete).toBe(true);
  if (again) await readAll(again);
});

test('after an unclean end of the host an image is hashed again in the background, rotten chunks are fetched again', async () => {
  const host = new Host();
  await whole(host);
  host.disk.losePower(() => true);
  host.disk.rot(`/pool/mirror/images/${image.id}/data`, 7 * chunkBytes);
  host.bootNumber += 1;
  host.clock = new HandClock();
  const library = await host.images();
  const stored = library.find(image.id);
  expect([stored?.isComplete, stored?.isChecked]).toEqual([false, false]);
  const completion = new ImageCompletion(library, () => [], host.clock, pino({ level: 'silent' }));
  const asked = host.source.asked.length;
  void completion.checkAll();
  await passing(host.clock, until(() => stored?.isComplete === true));
  expect(host.source.asked.slice(asked).map(({ index }) => index)).toEqual([7]);
  expect(host.disk.files.get(`/pool/mirror/images/${image.id}/data`)?.cached.equals(image.content)).toBe(true);
  completion.stop();
});

test('a manifest that rotted is fetched again when the image is opened; its chunks are used on', async () => {
  const host = new Host();
  await host.hold(image);
  await whole(host);
  host.disk.kill();
  host.disk.rot(`/pool/mirror/images/${image.id}/manifest`, 40);
  const asked = host.source.asked.length;
  const library = await host.images();
  expect(library.find(image.id)).toBeNull();
  const stored = await library.openForReader(image.id);
  expect(stored?.isComplete).toBe(true);
  expect(host.source.asked).toHaveLength(asked);
  expect(await library.openForReader(newer.id)).toBeNull();
});

test('an image whose manifest rotted and that no instance holds is removed at the start', async () => {
  const host = new Host();
  await (await host.images()).open(image.id);
  host.disk.kill();
  host.disk.rot(`/pool/mirror/images/${image.id}/manifest`, 40);
  await host.images();
  expect(host.has(image)).toBe(false);
});

test('on a full disk what is read is right and not kept; it heals by itself', async () => {
  const host = new Host();
  const library = await host.images();
  const changes: boolean[] = [];
  library.onChange(() => changes.push(library.poolFull));
  const stored = await library.open(image.id);
  host.disk.isFull = true;
  await readAll(stored);
  await until(() => library.poolFull);
  await host.clock.advance(1000);
  expect(stored.holding([]).presentChunks).toBeLessThan(21);
  await readAll(stored);
  await host.clock.advance(20_000);
  expect(library.poolFull).toBe(true);
  await expect(library.open(newer.id)).rejects.toThrow(NoRoom);
  host.disk.isFull = false;
  await passing(host.clock, until(() => !library.poolFull));
  await readAll(stored);
  await until(() => stored.isComplete);
  await host.clock.advance(1000);
  expect(changes).toContain(true);
  expect(changes.at(-1)).toBe(false);
});

test('a chunk for which there was no room is handed on, and read again, without being fetched again', async () => {
  const host = new Host();
  const library = await host.images();
  const stored = await library.open(image.id);
  host.disk.isFull = true;
  await stored.obtain(2, false);
  expect(stored.has(2)).toBe(false);
  expect(await stored.held(2)).toEqual(chunkOf(image, 2));
  expect(await stored.obtain(2, true)).toEqual(chunkOf(image, 2));
  expect(host.source.asked).toHaveLength(1);
  host.disk.isFull = false;
  await passing(host.clock, until(() => !library.poolFull));
  await stored.obtain(2, false);
  expect(stored.has(2)).toBe(true);
  expect(host.source.asked).toHaveLength(1);
});

test('when room lacks, an image that nothing uses makes room; held, read and just asked for ones do not', async () => {
  const host = new Host();
  const library = await host.images();
  await readAll(await library.open(image.id));
  await until(() => library.find(image.id)?.isComplete === true);
  await host.clock.advance(launchMs - 1);
  const stored = await library.open(newer.id);
  host.disk.free = 1024 * 1024 + 100;
  await readAll(stored);
  await until(() => library.poolFull);
  expect(host.has(image)).toBe(true);
  await host.clock.advance(1);
  const release = library.find(image.id)?.hold();
  await passing(host.clock, host.clock.advance(20_000));
  expect(library.find(image.id)).not.toBeNull();
  release?.();
  await host.clock.advance(launchMs);
  await host.hold(image);
  await passing(host.clock, host.clock.advance(20_000));
  expect(library.find(image.id)).not.toBeNull();
  await host.disk.remove(`/pool/instances/${instanceId}`);
  await passing(host.clock, until(() => library.find(image.id) === null));
  await until(() => !host.has(image));
  expect(host.source.open.has(image.id)).toBe(false);
  host.disk.free = 1024 ** 4;
  await passing(host.clock, until(() => !library.poolFull));
  const again = await library.open(image.id);
  await readAll(again);
});

test('for an image that is asked for on a full disk the longest unused one goes, and no more of them', async () => {
  const host = new Host();
  const asked = imageOf(testContent(8 * chunkBytes, 5, { chunkBytes }), chunkBytes);
  const source = new HonestSource(image, newer, asked);
  Object.assign(host, { source });
  const library = await host.images();
  await library.open(image.id);
  await host.clock.advance(1);
  await library.open(newer.id);
  await host.clock.advance(launchMs);
  host.disk.isFull = true;
  const remove = host.disk.remove.bind(host.disk);
  host.disk.remove = async (path) => {
    await remove(path);
    host.disk.isFull = false;
  };
  await library.open(asked.id);
  expect(library.all().map(({ id }) => id)).toEqual([newer.id, asked.id]);
  expect(host.has(image)).toBe(false);
});

test('an image that could not be kept is one that this host does not have, for others too', async () => {
  const host = new Host();
  const library = await host.images();
  const give = host.source.manifest.bind(host.source);
  host.source.manifest = (id) => {
    host.source.open.add(id);
    return give(id);
  };
  host.disk.isFull = true;
  await expect(library.open(image.id)).rejects.toThrow(NoRoom);
  expect([...host.source.open]).toEqual([]);
  host.disk.isFull = false;
  await library.open(image.id);
  expect([...host.source.open]).toEqual([image.id]);
});

test('unused images go after so many days, deleted ones within the hour; those wanted ahead stay', async () => {
  const host = new Host();
  const library = await host.images();
  await library.open(image.id);
  await library.open(newer.id);
  library.gone([newer.id]);
  library.wantAhead(new Set([image.id]));
  for (let hour = 0; hour < 3; hour += 1) await passing(host.clock, host.clock.advance(hourMs));
  await passing(host.clock, until(() => library.find(newer.id) === null));
  for (let hour = 0; hour < 31 * 24; hour += 1) await host.clock.advance(hourMs);
  expect(library.find(image.id)).not.toBeNull();
  library.wantAhead(new Set());
  for (let hour = 0; hour < 29 * 24; hour += 1) await host.clock.advance(hourMs);
  expect(library.find(image.id)).not.toBeNull();
  for (let hour = 0; hour < 2 * 24 && library.find(image.id) !== null; hour += 1) {
    await host.clock.advance(hourMs);
    for (let at = 0; at < 20; at += 1) await turn();
  }
  expect(library.find(image.id)).toBeNull();
}, 60_000);

test('beyond the limit of the cache the longest unused goes', async () => {
  const host = new Host();
  const large = [7, 8].map((seed) => imageOf(testContent(1024 * 1024, seed, { zeroEvery: 1000 })));
  const source = new HonestSource(...large);
  Object.assign(host, { source });
  const library = await host.images({ cacheMiB: 1 });
  const [first, second] = large;
  if (first === undefined || second === undefined) throw new Error('two images');
  await (await library.open(first.id)).read(0, 1024 * 1024);
  await host.clock.advance(launchMs);
  await (await library.open(second.id)).read(0, 1024 * 1024);
  await passing(host.clock, until(() => library.find(first.id) === null));
  expect(library.find(second.id)).not.toBeNull();
});

test('a chunk that is asked for by a peer is checked and comes from here, or is said to be missing', async () => {
  const host = new Host();
  const stored = await (await host.images()).open(image.id);
  expect(await stored.held(0)).toBeNull();
  expect(await stored.held(4)).toEqual(Buffer.alloc(chunkBytes));
  expect(await stored.held(21)).toBeNull();
  await stored.obtain(0, false);
  expect(await stored.held(0)).toEqual(chunkOf(image, 0));
  expect(stored.present()[0]).toBe(0b10001);
});
