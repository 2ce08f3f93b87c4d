import { buildSync } from 'esbuild';
import fc from 'fast-check';
import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chunkCount, chunkHash, isZeroChunk, manifestOf, type Manifest, type ManifestId } from '@paravcl/shared/chunks/manifest';
import { hashBytes } from '@paravcl/shared/chunks/manifest-hashes';
import { ChunkStore } from '../../src/store/chunk-store';
import { DirectoryBackend } from '../../src/store/directory-backend';
import { StoreDamaged } from '../../src/store/manifest-shelf';
import type { ObjectBackend } from '../../src/store/object-backend';
import type { WritingSession } from '../../src/store/writing-session';
import { DyingBackend } from './dying-backend';
import { eventually } from './eventually';

jest.setTimeout(120_000);

const root = join(__dirname, '../../../..');
const chunkBytes = 4096;
let directory: string;
let stores: ChunkStore[] = [];
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'chunk-store-'));
});
afterEach(async () => {
  await closeAll();
  rmSync(directory, { recursive: true });
});

async function closeAll(): Promise<void> {
  for (const store of stores) await store.close();
  stores = [];
  expect(filesOpen()).toEqual([]);
}

/** Files of this store that this process holds open. */
function filesOpen(): readonly string[] {
  const targets = readdirSync('/proc/self/fd').map((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      // The listing's own, which is closed by now.
      return '';
    }
  });
  return targets.filter((target) => target.startsWith(directory));
}

const sha256 = (bytes: Buffer): Buffer => createHash('sha256').update(bytes).digest();
/** A chunk for each letter; letter 0 is zeros, odd ones can be deflated, even ones not. */
const letters = Array.from({ length: 24 }, (_, letter) => (letter === 0 ? Buffer.alloc(chunkBytes) : letter % 2 === 1 ? Buffer.alloc(chunkBytes, `letter ${String(letter)} `) : randomBytes(chunkBytes)));
const bytesOf = (letter: number): Buffer => letters[letter] ?? Buffer.alloc(0);

function lettered(image: readonly number[]): Manifest {
  return manifestOf({ chunkBytes, sizeBytes: image.length * chunkBytes }, Buffer.concat(image.map((letter) => (letter === 0 ? Buffer.alloc(hashBytes) : sha256(bytesOf(letter))))));
}

async function put(session: WritingSession, image: readonly number[]): Promise<ManifestId> {
  for (const letter of image) if (letter !== 0) await session.put(sha256(bytesOf(letter)), bytesOf(letter));
  return session.putManifest(lettered(image));
}

/** Keeps an image as a service does: the books name it before the session ends. */
async function keep(store: ChunkStore, image: readonly number[], books = new Set<ManifestId>()): Promise<ManifestId> {
  const session = store.begin();
  const id = await put(session, image);
  books.add(id);
  session.release();
  return id;
}

async function contentOf(store: ChunkStore, id: ManifestId): Promise<Buffer> {
  const { manifest } = (await store.manifest(id)) ?? {};
  if (manifest === undefined) throw new Error(`There is no manifest ${id}.`);
  const chunks: Buffer[] = [];
  for (let index = 0; index < chunkCount(manifest); index += 1) {
    if (isZeroChunk(manifest, index)) chunks.push(Buffer.alloc(chunkBytes));
    else chunks.push((await store.readChecked(chunkHash(manifest, index))) ?? Buffer.from('missing'));
  }
  return Buffer.concat(chunks);
}

function storeOn(backend: ObjectBackend): ChunkStore {
  const store = new ChunkStore(backend);
  stores.push(store);
  return store;
}

async function opened(backend: ObjectBackend = new DirectoryBackend(directory)): Promise<ChunkStore> {
  const store = storeOn(backend);
  expect(await store.open()).toEqual([]);
  return store;
}

const packFiles = (): readonly string[] => readdirSync(join(directory, 'packs')).map((name) => join(directory, 'packs', name));
const live = (ids: Iterable<ManifestId>) => () => Promise.resolve([...ids]);

test('an image that was kept is read again, after a restart too, and chunks that recur are kept once', async () => {
  const store = await opened();
  const id = await keep(store, [1, 2, 0, 2, 3]);
  expect(await contentOf(store, id)).toEqual(Buffer.concat([1, 2, 0, 2, 3].map(bytesOf)));
  expect(store.stats()).toMatchObject({ chunks: 3, manifests: 1, logicalBytes: 5 * chunkBytes });
  const again = await opened();
  expect(await contentOf(again, id)).toEqual(Buffer.concat([1, 2, 0, 2, 3].map(bytesOf)));
  expect(again.stats()).toEqual(store.stats());
});

test('a second version costs only what is new in it', async () => {
  const store = await opened();
  const first = Array.from({ length: 10 }, (_, at) => at * 2);
  await keep(store, first);
  const before = store.stats().storedBytes;
  await keep(store, [...first.slice(0, 9), 22]);
  const grown = store.stats().storedBytes - before;
  // One chunk, a table of one entry, a manifest.
  expect(grown).toBeGreaterThan(chunkBytes);
  expect(grown).toBeLessThan(chunkBytes + 600);
});

const step = fc.oneof(
  fc.record({ do: fc.constant('keep' as const), image: fc.array(fc.nat(23), { minLength: 1, maxLength: 12 }) }),
  fc.record({ do: fc.constant('hold' as const), image: fc.array(fc.nat(23), { minLength: 1, maxLength: 12 }) }),
  fc.record({ do: fc.constantFrom('enter' as const, 'give up' as const, 'drop' as const), which: fc.nat(5) }),
  fc.record({ do: fc.constantFrom('sweep' as const, 'restart' as const) }),
  fc.record({ do: fc.constant('die' as const), after: fc.nat(5), afterwards: fc.boolean(), in: fc.constantFrom('keep' as const, 'sweep' as const), image: fc.array(fc.nat(23), { minLength: 1, maxLength: 12 }) }),
);

test('whatever is kept, held, dropped, swept, restarted and killed at any step: what lives is there, and nothing else stays', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
      await closeAll();
      rmSync(directory, { recursive: true });
      let store = await opened();
      const contents = new Map<ManifestId, readonly number[]>();
      const books = new Set<ManifestId>();
      let held: { readonly session: WritingSession; readonly id: ManifestId }[] = [];
      for (const now of steps) {
        switch (now.do) {
          case 'keep':
            contents.set(await keep(store, now.image, books), now.image);
            break;
          case 'hold': {
            const session = store.begin();
            const id = await put(session, now.image);
            contents.set(id, now.image);
            held.push({ session, id });
            break;
          }
          case 'enter':
          case 'give up': {
            const ending = held[now.which % Math.max(1, held.length)];
            if (now.do === 'enter' && ending !== undefined) books.add(ending.id);
            ending?.session.release();
            held = held.filter((one) => one !== ending);
            break;
          }
          case 'drop':
            books.delete([...books][now.which % Math.max(1, books.size)] ?? '');
            break;
          case 'sweep':
            expect(await store.sweep(live(books))).toMatchObject({ missingChunks: 0, damagedPacks: [] });
            break;
          case 'restart':
            [store, held] = [await opened(), []];
            break;
          case 'die': {
            const backend = new DyingBackend(new DirectoryBackend(directory), now.afterwards);
            const dying = await opened(backend);
            backend.left = now.after;
            if (now.in === 'keep') await keep(dying, now.image, books).then((id) => contents.set(id, now.image), () => undefined);
            else await dying.sweep(live(books)).catch(() => undefined);
            [store, held] = [await opened(), []];
          }
        }
        for (const id of [...books, ...held.map((one) => one.id)]) expect((await contentOf(store, id)).equals(Buffer.concat((contents.get(id) ?? []).map(bytesOf)))).toBe(true);
      }
      for (const { session } of held) session.release();
      await store.sweep(live(books));
      const inUse = new Set([...books].flatMap((id) => contents.get(id) ?? []).filter((letter) => letter !== 0));
      expect(store.stats()).toMatchObject({ chunks: inUse.size, manifests: books.size });
      const restarted = await opened();
      await restarted.sweep(live(books));
      expect(restarted.stats()).toMatchObject({ chunks: inUse.size, manifests: books.size });
      // A directory comes with its first file: an image of zeros alone has no pack.
      const onDisk = ['packs', 'manifests'].filter((name) => existsSync(join(directory, name))).flatMap((name) => readdirSync(join(directory, name)).map((file) => statSync(join(directory, name, file)).size));
      expect(onDisk.reduce((sum, bytes) => sum + bytes, 0)).toBe(restarted.stats().storedBytes);
    }),
    { numRuns: 60, examples: [[[{ do: 'die', after: 1, afterwards: false, in: 'keep', image: [0] }]]] },
  );
});

test('a chunk that was only met stays though nothing names it when the sweep begins', async () => {
  const store = await opened();
  await keep(store, [1, 2]);
  const session = store.begin();
  await session.put(sha256(bytesOf(1)), bytesOf(1));
  expect(session.counted).toEqual({ stored: 0, met: 1, mended: 0 });
  await store.sweep(live([]));
  expect(store.stats().chunks).toBe(1);
  const id = await session.putManifest(lettered([1]));
  expect(await contentOf(store, id)).toEqual(bytesOf(1));
});

test('an image that comes into the books while a sweep reads them stays', async () => {
  const store = await opened();
  await keep(store, [5, 6]);
  const session = store.begin();
  const id = await put(session, [5, 7]);
  await store.sweep(async () => {
    // Released, and too late for this list: only its turn holds it.
    session.release();
    return Promise.resolve([]);
  });
  expect(await contentOf(store, id)).toEqual(Buffer.concat([5, 7].map(bytesOf)));
  await store.sweep(live([]));
  expect(store.stats()).toMatchObject({ chunks: 0, manifests: 0, packs: 0, storedBytes: 0 });
});

test('writers beside one sweep after another find every chunk they put', async () => {
  const store = await opened();
  let writing = true;
  let swept = 0;
  const sweeps = (async () => {
    for (; writing; swept += 1) await store.sweep(live([]));
  })();
  const writers = Array.from({ length: 4 }, async (_, writer) => {
    for (let round = 0; round < 20 || swept < 2; round += 1) {
      const image = Array.from({ length: 8 }, (_, at) => (writer * 3 + round * 5 + at * 7) % 24);
      const session = store.begin();
      const id = await put(session, image);
      expect((await contentOf(store, id)).equals(Buffer.concat(image.map(bytesOf)))).toBe(true);
      session.release();
    }
  });
  await Promise.all(writers).finally(() => {
    writing = false;
    return sweeps;
  });
  expect(swept).toBeGreaterThan(1);
});

test('a manifest that is put again while its deletion waits behind that stays', async () => {
  const store = await opened();
  for (let round = 0; round < 20; round += 1) {
    const [first, second] = [store.begin(), store.begin()];
    const image = [1, 3, round];
    const both = [put(first, image).then((id) => (first.release(), id)), put(second, image)];
    const sweeps = Array.from({ length: 4 }, () => both[0]?.then(() => store.sweep(live([]))));
    await Promise.all(sweeps);
    const [, id = ''] = await Promise.all(both);
    await store.sweep(live([]));
    expect((await contentOf(store, id)).equals(Buffer.concat(image.map(bytesOf)))).toBe(true);
    second.release();
    await store.sweep(live([]));
  }
});

test('what lives in a pack that is mostly dead moves to a new one, and readers on the way find it', async () => {
  const store = await opened();
  await keep(store, [2, 4, 6, 8, 10, 12, 14, 16]);
  const id = await keep(store, [2, 4]);
  const before = store.stats().storedBytes;
  const [report, ...read] = await Promise.all([store.sweep(live([id])), ...Array.from({ length: 50 }, () => contentOf(store, id))]);
  expect(report).toMatchObject({ forgottenChunks: 6, rewrittenPacks: 1, deletedManifests: 1 });
  expect(report.freedBytes).toBeGreaterThan(5 * chunkBytes);
  expect(before - store.stats().storedBytes).toBeGreaterThanOrEqual(report.freedBytes);
  for (const content of read) expect(content.equals(Buffer.concat([2, 4].map(bytesOf)))).toBe(true);
  expect(await contentOf(await opened(), id)).toEqual(Buffer.concat([2, 4].map(bytesOf)));
});

test('a sweep that cannot read a living manifest deletes nothing', async () => {
  const store = await opened();
  await keep(store, [1]);
  const id = await keep(store, [2]);
  const file = join(directory, 'manifests', id);
  const sound = readFileSync(file);
  writeFileSync(file, Buffer.alloc(sound.length, 1));
  const restarted = storeOn(new DirectoryBackend(directory));
  expect(await restarted.open()).toEqual([{ key: `manifests/${id}`, why: 'it is no manifest' }]);
  await expect(restarted.sweep(live([id]))).rejects.toThrow(StoreDamaged);
  await expect(store.sweep(live(['0'.repeat(64)]))).rejects.toThrow(StoreDamaged);
  expect(packFiles()).toHaveLength(2);
  writeFileSync(file, sound);
  const healed = await opened();
  await healed.sweep(live([id]));
  expect(await contentOf(healed, id)).toEqual(bytesOf(2));
});

/** Changes a byte of the chunk as it lies on the disk. */
function damage(letter: number): void {
  for (const file of packFiles()) {
    const pack = readFileSync(file);
    const at = pack.indexOf(bytesOf(letter));
    if (at < 0) continue;
    pack.writeUInt8(pack.readUInt8(at + 7) ^ 1, at + 7);
    writeFileSync(file, pack);
    return;
  }
  throw new Error(`No pack has letter ${String(letter)}.`);
}

test('a verification finds the damaged chunk and who needs it; a good copy supersedes it for good', async () => {
  const store = await opened();
  const first = await keep(store, [2, 4, 6, 8]);
  const second = await keep(store, [0, 6]);
  await keep(store, [10]);
  damage(6);
  await expect(store.readChecked(sha256(bytesOf(6)))).rejects.toThrow(StoreDamaged);
  const percent: number[] = [];
  const { damaged, chunks } = await store.verify([first, second], ({ doneBytes, totalBytes }) => percent.push(doneBytes / totalBytes));
  expect(chunks).toBe(5);
  expect(damaged).toEqual([{ manifest: first, index: 2, hash: sha256(bytesOf(6)) }, { manifest: second, index: 1, hash: sha256(bytesOf(6)) }]);
  expect(percent.at(-1)).toBe(1);
  await expect(store.repair(sha256(bytesOf(6)), bytesOf(8))).rejects.toThrow(RangeError);
  await store.repair(sha256(bytesOf(6)), bytesOf(6));
  expect(await contentOf(store, second)).toEqual(Buffer.concat([0, 6].map(bytesOf)));
  // The bad copy stays in its pack for now; a restart must not believe it again.
  const restarted = await opened();
  expect(await contentOf(restarted, second)).toEqual(Buffer.concat([0, 6].map(bytesOf)));
  expect((await restarted.verify([first, second], () => undefined)).damaged).toEqual([]);
});

test('an image that is uploaded again mends what was found damaged, and only that is stored', async () => {
  const store = await opened();
  const id = await keep(store, [2, 4, 6, 8]);
  damage(6);
  expect((await store.verify([id], () => undefined)).damaged).toHaveLength(1);
  const session = store.begin();
  expect(await put(session, [2, 4, 6, 6, 8])).not.toBe(id);
  session.release();
  expect(session.counted).toEqual({ stored: 1, met: 4, mended: 1 });
  expect(await contentOf(store, id)).toEqual(Buffer.concat([2, 4, 6, 8].map(bytesOf)));
  expect(await contentOf(await opened(), id)).toEqual(Buffer.concat([2, 4, 6, 8].map(bytesOf)));
  expect((await store.verify([id], () => undefined)).damaged).toEqual([]);
  // No longer suspect: met, as any other.
  const again = store.begin();
  await put(again, [6]);
  again.release();
  expect(again.counted).toEqual({ stored: 0, met: 1, mended: 0 });
});

test('a chunk that a read found damaged is mended by an upload without a verification', async () => {
  const store = await opened();
  const id = await keep(store, [2, 4]);
  damage(4);
  await expect(contentOf(store, id)).rejects.toThrow(/or upload the image again/);
  await keep(store, [4]);
  expect(await contentOf(store, id)).toEqual(Buffer.concat([2, 4].map(bytesOf)));
});

test('an upload mends what nobody has found damaged yet: who has the bytes at hand looks whether they are there', async () => {
  const store = await opened();
  const id = await keep(store, [2, 4, 6]);
  damage(4);
  const session = store.begin();
  expect(await put(session, [2, 4, 6])).toBe(id);
  session.release();
  expect(session.counted).toEqual({ stored: 1, met: 2, mended: 1 });
  expect(await contentOf(store, id)).toEqual(Buffer.concat([2, 4, 6].map(bytesOf)));
  expect((await (await opened()).verify([id], () => undefined)).damaged).toEqual([]);
});

test('what was found damaged is mended by an upload after a restart too, and is then suspect no more', async () => {
  const store = await opened();
  const id = await keep(store, [2, 4, 6]);
  damage(4);
  await expect(store.readChecked(sha256(bytesOf(4)))).rejects.toThrow(StoreDamaged);
  await store.close();
  const restarted = await opened();
  const session = restarted.begin();
  await put(session, [2, 4]);
  session.release();
  expect(session.counted).toEqual({ stored: 1, met: 1, mended: 1 });
  expect(await contentOf(restarted, id)).toEqual(Buffer.concat([2, 4, 6].map(bytesOf)));
  await restarted.close();
  const again = (await opened()).begin();
  await put(again, [2, 4]);
  again.release();
  expect(again.counted).toEqual({ stored: 0, met: 2, mended: 0 });
});

test('a list of damaged chunks that is no list, or cannot be written, keeps nobody from the store', async () => {
  const store = await opened();
  const id = await keep(store, [2]);
  mkdirSync(join(directory, 'suspects'));
  writeFileSync(join(directory, 'suspects', 'chunks'), `no hash\n${'0'.repeat(64)}\n`);
  const full = await opened(new DirectoryBackend(directory, Number.MAX_SAFE_INTEGER));
  expect(await contentOf(full, id)).toEqual(bytesOf(2));
  damage(2);
  await expect(full.readChecked(sha256(bytesOf(2)))).rejects.toThrow(StoreDamaged);
  await full.close();
  expect((await full.verify([id], () => undefined)).damaged).toHaveLength(1);
});

test('a pack with a damaged chunk is not written anew, so that the damage is not hidden', async () => {
  const store = await opened();
  await keep(store, [2, 4, 6, 8, 10]);
  const id = await keep(store, [6]);
  damage(6);
  const report = await store.sweep(live([id]));
  expect(report.rewrittenPacks).toBe(0);
  expect(report.damagedPacks).toHaveLength(1);
  await store.repair(sha256(bytesOf(6)), bytesOf(6));
  expect(await store.sweep(live([id]))).toMatchObject({ damagedPacks: [], deletedPacks: 1 });
  expect(await contentOf(await opened(), id)).toEqual(bytesOf(6));
});

test('a pack that was cut or is none is told, left alone and not believed', async () => {
  const store = await opened();
  const id = await keep(store, [2, 4]);
  const [file = ''] = packFiles();
  truncateSync(file, statSync(file).size - 1);
  writeFileSync(join(directory, 'packs', 'notes.txt'), 'not ours');
  writeFileSync(join(directory, 'packs', '00000009-0123456789abcdef'), 'short');
  const restarted = storeOn(new DirectoryBackend(directory));
  const strange = await restarted.open();
  expect(strange.map(({ key }) => key).sort()).toEqual([`packs/${file.slice(file.lastIndexOf('/') + 1)}`, 'packs/00000009-0123456789abcdef', 'packs/notes.txt'].sort());
  expect(await restarted.read(sha256(bytesOf(2)))).toBeNull();
  expect((await restarted.verify([id], () => undefined)).damaged.map(({ index }) => index)).toEqual([0, 1]);
  expect(await restarted.sweep(live([id]))).toMatchObject({ missingChunks: 2, deletedPacks: 0 });
  expect(packFiles()).toHaveLength(3);
  // Kept again from an upload: whole once more.
  await keep(restarted, [2, 4]);
  expect((await restarted.verify([id], () => undefined)).damaged).toEqual([]);
});

test('a pack whose table was damaged while the store is open is found, and its chunks are saved from it', async () => {
  const store = await opened();
  const id = await keep(store, [2, 4]);
  const [file = ''] = packFiles();
  const pack = readFileSync(file);
  writeFileSync(file, Buffer.concat([pack.subarray(0, -1), Buffer.from('x')]));
  const { damaged } = await store.verify([id], () => undefined);
  expect(damaged).toHaveLength(2);
  for (const { hash } of damaged) await store.repair(hash, (await store.readChecked(hash)) ?? Buffer.alloc(0));
  await store.sweep(live([id]));
  expect(await contentOf(await opened(), id)).toEqual(Buffer.concat([2, 4].map(bytesOf)));
});

test('a pack that is deleted while it is held open is missed by a verification, and its chunks are saved from what is open', async () => {
  const store = await opened();
  const id = await keep(store, [2, 4]);
  expect(await contentOf(store, id)).toEqual(Buffer.concat([2, 4].map(bytesOf)));
  for (const file of packFiles()) rmSync(file);
  const { damaged } = await store.verify([id], () => undefined);
  expect(damaged.map(({ index }) => index)).toEqual([0, 1]);
  for (const { hash } of damaged) await store.repair(hash, (await store.readChecked(hash)) ?? Buffer.alloc(0));
  expect((await store.verify([id], () => undefined)).damaged).toEqual([]);
  expect(await contentOf(await opened(), id)).toEqual(Buffer.concat([2, 4].map(bytesOf)));
});

test('a pack that is gone stops no sweep: it is told, and what is dead elsewhere goes', async () => {
  const store = await opened();
  await keep(store, [2, 4, 6, 8, 10]);
  const id = await keep(store, [6]);
  // Else it would still be read from the file that is open.
  await store.close();
  for (const file of packFiles()) rmSync(file);
  await keep(store, [12]);
  expect(await store.sweep(live([id]))).toMatchObject({ deletedPacks: 1, rewrittenPacks: 0, damagedPacks: [expect.stringMatching(/^packs\//)] });
});

test('a manifest that is deleted while it is known is missed by a verification, and written anew from memory', async () => {
  const store = await opened();
  const [known, unknown] = [await keep(store, [2, 4]), await keep(store, [6])];
  expect(await contentOf(store, known)).toEqual(Buffer.concat([2, 4].map(bytesOf)));
  for (const id of [known, unknown]) rmSync(join(directory, 'manifests', id));
  expect((await store.verify([known, unknown], () => undefined)).damagedManifests).toEqual([known, unknown]);
  expect(await store.repairManifest(known)).toBe(true);
  expect(await store.repairManifest(unknown)).toBe(false);
  expect((await store.verify([known, unknown], () => undefined)).damagedManifests).toEqual([unknown]);
  expect(await contentOf(await opened(), known)).toEqual(Buffer.concat([2, 4].map(bytesOf)));
});

test('without room nothing is kept and nothing lost; with room again the same is kept', async () => {
  const store = await opened();
  const id = await keep(store, [2]);
  const full = await opened(new DirectoryBackend(directory, Number.MAX_SAFE_INTEGER));
  const session = full.begin();
  await session.put(sha256(bytesOf(4)), bytesOf(4));
  await expect(session.flush()).rejects.toMatchObject({ code: 'storage-full' });
  await expect(session.put(sha256(bytesOf(6)), bytesOf(6))).rejects.toMatchObject({ code: 'storage-full' });
  await expect(session.putManifest(lettered([2]))).rejects.toMatchObject({ code: 'storage-full' });
  session.release();
  expect(await contentOf(full, id)).toEqual(bytesOf(2));
  expect(await full.sweep(live([id]))).toMatchObject({ missingChunks: 0 });
  expect(readdirSync(join(directory, 'unfinished'))).toEqual([]);
  const again = await keep(store, [4, 6]);
  expect(await contentOf(store, again)).toEqual(Buffer.concat([4, 6].map(bytesOf)));
});

test('a manifest that names a chunk the store lacks is not kept, and a session that was released takes nothing', async () => {
  const store = await opened();
  const session = store.begin();
  await expect(session.putManifest(lettered([1]))).rejects.toThrow(/Chunk 0 .* not in the store/);
  session.release();
  await expect(session.put(sha256(bytesOf(1)), bytesOf(1))).rejects.toThrow(/released/);
});

test('a manifest that was damaged is written anew when its image is kept again', async () => {
  const store = await opened();
  const id = await keep(store, [1, 3]);
  writeFileSync(join(directory, 'manifests', id), Buffer.alloc(84, 1));
  await expect(store.manifest(id)).rejects.toThrow(StoreDamaged);
  expect((await store.verify([id], () => undefined)).damagedManifests).toEqual([id]);
  expect(await keep(store, [1, 3])).toBe(id);
  expect(await contentOf(store, id)).toEqual(Buffer.concat([1, 3].map(bytesOf)));
});

test('more packs than files may stay open are read at once, and a deleted one is gone', async () => {
  const store = await opened();
  const ids: ManifestId[] = [];
  for (let number = 0; number < 90; number += 1) {
    const bytes = Buffer.alloc(chunkBytes, `pack ${String(number)} `);
    const session = store.begin();
    await session.put(sha256(bytes), bytes);
    ids.push(await session.putManifest(manifestOf({ chunkBytes, sizeBytes: chunkBytes }, sha256(bytes))));
    session.release();
  }
  for (let round = 0; round < 3; round += 1) {
    const read = await Promise.all(ids.map((id) => contentOf(store, id)));
    expect(read.map((bytes) => bytes.toString('latin1', 0, 7))).toEqual(ids.map((_, number) => `pack ${String(number)} `.slice(0, 7)));
  }
  await store.sweep(live(ids.slice(1)));
  expect(await store.manifest(ids[0] ?? '')).toBeNull();
  expect(store.stats().packs).toBe(89);
});

test('a directory that is closed keeps no file open: not of reads that are under way, nor of those that come later', async () => {
  const backend = new DirectoryBackend(directory);
  await backend.open();
  for (const name of ['a', 'b', 'c']) await backend.put(`packs/${name}`, [bytesOf(2)]);
  await backend.read('packs/a', 0, 10);
  const underWay = backend.read('packs/b', 0, chunkBytes);
  await backend.close();
  expect(filesOpen()).toEqual([]);
  expect(await underWay).toEqual(bytesOf(2));
  expect(await Promise.all([backend.read('packs/c', 0, chunkBytes), backend.read('packs/c', 0, chunkBytes)])).toEqual([bytesOf(2), bytesOf(2)]);
  await eventually('the files of late readers are closed', () => filesOpen().length === 0);
});

test('a master that is killed again and again while it writes and sweeps loses nothing that its books name', async () => {
  const program = join(directory, 'store-writer.cjs');
  buildSync({ entryPoints: [join(__dirname, 'store-writer.ts')], outfile: program, bundle: true, platform: 'node', format: 'cjs', packages: 'external', alias: { '@paravcl/shared': join(root, 'packages/shared/src') } });
  const site = join(directory, 'site');
  for (let kill = 0; kill < 12; kill += 1) {
    const child = spawn(process.execPath, [program, site], { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, NODE_PATH: join(root, 'node_modules') } });
    await new Promise<void>((resolve, reject) => {
      let steps = 0;
      child.stdout.on('data', (dots: Buffer) => {
        steps += dots.length;
        // Each time elsewhere in its round: sweeps come every third.
        if (steps > 4 + kill) child.kill('SIGKILL');
      });
      child.once('error', reject);
      child.once('close', (code, signal) => {
        if (signal === 'SIGKILL') resolve();
        else reject(new Error(`the writer ended by itself (${String(code)})`));
      });
    });
    const books = readdirSync(join(site, 'books'));
    const store = storeOn(new DirectoryBackend(site));
    expect(await store.open()).toEqual([]);
    const { damaged, damagedManifests, chunks } = await store.verify(books, () => undefined);
    expect({ damaged, damagedManifests }).toEqual({ damaged: [], damagedManifests: [] });
    expect(chunks).toBeGreaterThan(0);
  }
});
