import fc from 'fast-check';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turnOfTheLoop } from 'node:timers/promises';
import { deltaBlockBytes } from '@paravcl/shared/chunks/delta';
import { chunkCount, chunkHash, manifestOf, type Manifest, type ManifestId } from '@paravcl/shared/chunks/manifest';
import { decodeChunk } from '../../src/store/chunk-encoding';
import { ChunkStore } from '../../src/store/chunk-store';
import { DirectoryBackend } from '../../src/store/directory-backend';
import { StoreDamaged } from '../../src/store/manifest-shelf';
import { ObjectMissing, type ObjectBackend } from '../../src/store/object-backend';
import type { WritingSession } from '../../src/store/writing-session';
import { DyingBackend } from './dying-backend';

jest.setTimeout(240_000);

const blocks = 8;
const chunkBytes = blocks * deltaBlockBytes;
let directory: string;
let stores: ChunkStore[] = [];
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'stored-deltas-'));
});
afterEach(async () => {
  await closeAll();
  rmSync(directory, { recursive: true });
});

async function closeAll(): Promise<void> {
  for (const store of stores) await store.close();
  stores = [];
}

const sha256 = (bytes: Buffer): Buffer => createHash('sha256').update(bytes).digest();

/** A chunk of a disk in one of its states: 0 is the first, each further one has some blocks of its own. */
interface Picture {
  readonly disk: number;
  readonly state: number;
}

function noise(seed: string, length: number): Buffer {
  const pieces: Buffer[] = [];
  for (let at = 0; at < length; at += 32) pieces.push(sha256(Buffer.from(`${seed} ${String(at)}`)));
  return Buffer.concat(pieces).subarray(0, length);
}

const known = new Map<string, Buffer>();
/** State n differs from state 0 in n blocks from the nth on: from 5 on in more than half. */
function bytesOf({ disk, state }: Picture): Buffer {
  const name = `${String(disk)}/${String(state)}`;
  const found = known.get(name);
  if (found !== undefined) return found;
  const bytes = disk % 2 === 0 ? noise(`disk ${String(disk)}`, chunkBytes) : Buffer.alloc(chunkBytes, `text of disk ${String(disk)} `);
  for (let nth = 0; nth < state; nth += 1) {
    const block = (state + nth) % blocks;
    const target = bytes.subarray(block * deltaBlockBytes, (block + 1) * deltaBlockBytes);
    if (nth === 2) target.fill(0);
    else noise(name + String(nth), deltaBlockBytes).copy(target);
  }
  known.set(name, bytes);
  return bytes;
}

const hashOf = (picture: Picture): Buffer => sha256(bytesOf(picture));

function pictured(image: readonly Picture[]): Manifest {
  return manifestOf({ chunkBytes, sizeBytes: image.length * chunkBytes }, Buffer.concat(image.map(hashOf)));
}

/** As a snapshot is taken: each chunk as the change of the same chunk in an earlier state, where the store can give that. */
async function put(store: ChunkStore, session: WritingSession, image: readonly Picture[], before: number): Promise<ManifestId> {
  for (const picture of image) {
    const base = { ...picture, state: before };
    const bytes = await store.readChecked(hashOf(base)).catch(() => null);
    if (bytes === null) await session.put(hashOf(picture), bytesOf(picture));
    else await session.putChanged(hashOf(picture), bytesOf(picture), { hash: hashOf(base), bytes });
  }
  return session.putManifest(pictured(image));
}

async function keep(store: ChunkStore, image: readonly Picture[], before: number): Promise<ManifestId> {
  const session = store.begin();
  const id = await put(store, session, image, before);
  session.release();
  return id;
}

/**
 * Each chunk, read as a mirror is sent it, which hashes what it is sent, and as a download is; null where that is told to be damaged or missing. Anything
 * else than that, or the right bytes, fails.
 */
async function contentOf(store: ChunkStore, image: readonly Picture[]): Promise<readonly (Buffer | null)[]> {
  return Promise.all(
    image.map(async (picture) => {
      const hash = hashOf(picture);
      const checked = await store.readChecked(hash).catch(toldDamaged);
      if (checked !== null) expect(checked.equals(bytesOf(picture))).toBe(true);
      const sent = await store.read(hash).then((stored) => (stored === null ? null : decodeChunk(stored).catch(() => null)), toldDamaged);
      if (checked !== null) expect(sent?.equals(bytesOf(picture))).toBe(true);
      return checked;
    }),
  );
}

function toldDamaged(error: unknown): null {
  if (error instanceof StoreDamaged || error instanceof RangeError || error instanceof ObjectMissing) return null;
  throw error;
}

async function opened(backend: ObjectBackend = new DirectoryBackend(directory)): Promise<ChunkStore> {
  const store = new ChunkStore(backend);
  stores.push(store);
  await store.open();
  return store;
}

const packFiles = (): readonly string[] => {
  try {
    return readdirSync(join(directory, 'packs')).map((name) => join(directory, 'packs', name));
  } catch {
    return [];
  }
};
const live = (ids: Iterable<ManifestId>) => () => Promise.resolve([...ids]);

/** Changes a byte of these bytes as they lie on the disk. */
function damage(bytes: Buffer): void {
  for (const file of packFiles()) {
    const pack = readFileSync(file);
    const at = pack.indexOf(bytes);
    if (at < 0) continue;
    pack.writeUInt8(pack.readUInt8(at + 7) ^ 1, at + 7);
    writeFileSync(file, pack);
    return;
  }
  throw new Error('No pack has these bytes.');
}

const base: Picture = { disk: 0, state: 0 };
const changedOnce: Picture = { disk: 0, state: 1 };
const changedTwice: Picture = { disk: 0, state: 2 };

test('a chunk of which one block changed costs that block, and is read and sent whole, after a restart too', async () => {
  const store = await opened();
  await keep(store, [base], 0);
  const before = store.stats().storedBytes;
  const id = await keep(store, [changedOnce], 0);
  const manifestBytes = statSync(join(directory, 'manifests', id)).size;
  expect(store.stats().storedBytes - before - manifestBytes).toBeLessThan(deltaBlockBytes + 150);
  for (const one of [store, await opened()]) expect(await contentOf(one, [base, changedOnce])).toEqual([bytesOf(base), bytesOf(changedOnce)]);
  expect((await store.read(hashOf(changedOnce)))?.encoding).toBe('plain');
});

test('what is changed again is kept as the difference to the whole one: no chain grows', async () => {
  const store = await opened();
  await keep(store, [base], 0);
  await keep(store, [changedOnce], 0);
  await keep(store, [changedTwice], 1);
  // Would it hang on what came between, nothing could be read of it now.
  damage(noise('0/10', deltaBlockBytes));
  expect(await contentOf(store, [changedOnce, changedTwice])).toEqual([null, bytesOf(changedTwice)]);
});

test('what differs in more than half of its blocks, or lacks its base, is kept whole', async () => {
  const store = await opened();
  await keep(store, [base], 0);
  const far = { disk: 0, state: 5 };
  await keep(store, [far], 0);
  const session = store.begin();
  await session.putChanged(hashOf({ disk: 2, state: 1 }), bytesOf({ disk: 2, state: 1 }), { hash: hashOf({ disk: 2, state: 0 }), bytes: bytesOf({ disk: 2, state: 0 }) });
  await session.putManifest(pictured([{ disk: 2, state: 1 }]));
  session.release();
  damage(bytesOf(base));
  expect(await contentOf(store, [far, { disk: 2, state: 1 }])).toEqual([bytesOf(far), bytesOf({ disk: 2, state: 1 })]);
});

test('a base that nothing names any more stays as long as something is the difference to it, also in a pack written anew', async () => {
  const store = await opened();
  await keep(store, [base, { disk: 2, state: 0 }, { disk: 4, state: 0 }, { disk: 6, state: 0 }], 0);
  const id = await keep(store, [changedOnce], 0);
  expect(await store.sweep(live([id]))).toMatchObject({ forgottenChunks: 3, rewrittenPacks: 1, missingChunks: 0 });
  expect(await contentOf(store, [changedOnce])).toEqual([bytesOf(changedOnce)]);
  const again = await opened();
  expect(await contentOf(again, [changedOnce])).toEqual([bytesOf(changedOnce)]);
  expect((await again.verify([id], () => undefined)).damaged).toEqual([]);
  await again.sweep(live([]));
  expect(again.stats()).toMatchObject({ chunks: 0, packs: 0, storedBytes: 0 });
});

test('a rotten base is told for whatever is the difference to it; one good copy of it mends all of them', async () => {
  const store = await opened();
  const first = await keep(store, [base], 0);
  const second = await keep(store, [changedOnce, changedTwice], 0);
  damage(bytesOf(base));
  await expect(store.readChecked(hashOf(changedOnce))).rejects.toThrow(StoreDamaged);
  const { damaged } = await store.verify([first, second], () => undefined);
  expect(damaged.map(({ manifest, index }) => [manifest, index])).toEqual([[first, 0], [second, 0], [second, 1]]);
  // Known without reading, at a restart too.
  await store.close();
  const restarted = await opened();
  expect((await restarted.lookOver([first, second])).damaged).toHaveLength(3);
  await restarted.repair(hashOf(base), bytesOf(base));
  expect((await restarted.verify([first, second], () => undefined)).damaged).toEqual([]);
  expect(await contentOf(await opened(), [changedOnce, changedTwice])).toEqual([bytesOf(changedOnce), bytesOf(changedTwice)]);
});

test('a rotten delta is told alone, and mended whole by a host or by who puts it again', async () => {
  const store = await opened();
  const first = await keep(store, [base], 0);
  const second = await keep(store, [changedOnce, changedTwice], 0);
  damage(noise('0/10', deltaBlockBytes));
  expect((await store.verify([first, second], () => undefined)).damaged.map(({ hash }) => hash)).toEqual([hashOf(changedOnce)]);
  const session = store.begin();
  await put(store, session, [changedOnce, changedTwice], 0);
  session.release();
  expect(session.counted).toEqual({ stored: 1, met: 1, mended: 1 });
  damage(bytesOf(base));
  // Whole since it was mended.
  expect(await contentOf(store, [changedOnce, changedTwice])).toEqual([bytesOf(changedOnce), null]);
});

test('two that keep the same chunk at once, one whole and one as a difference, leave none without its base', async () => {
  for (let round = 0; round < 12; round += 1) {
    const store = await opened();
    await keep(store, [{ disk: round, state: 0 }], 0);
    const [whole, delta, third] = [store.begin(), store.begin(), store.begin()];
    const middle = { disk: round, state: 1 };
    const last = { disk: round, state: 2 };
    await Promise.all([
      whole.put(hashOf(middle), bytesOf(middle)).then(() => whole.putManifest(pictured([middle]))),
      put(store, delta, [middle], 0),
      (async () => {
        while (!(await store.readChecked(hashOf(middle)))) await turnOfTheLoop();
        await put(store, third, [last], 1);
      })(),
    ]);
    for (const session of [whole, delta, third]) session.release();
    const restarted = await opened();
    expect(await contentOf(restarted, [middle, last])).toEqual([bytesOf(middle), bytesOf(last)]);
  }
});

const image = fc.array(fc.record({ disk: fc.nat(3), state: fc.nat(6) }), { minLength: 1, maxLength: 6 });
const step = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constant('keep' as const), image, before: fc.nat(6) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('drop' as const), which: fc.nat(5) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom('sweep' as const, 'restart' as const, 'mend' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('rot' as const), file: fc.nat(), where: fc.double({ min: 0, max: 0.999, noNaN: true }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('die' as const), after: fc.nat(4), afterwards: fc.boolean(), in: fc.constantFrom('keep' as const, 'sweep' as const), image, before: fc.nat(6) }) },
);

test('whatever is kept, changed, dropped, swept, killed and rotted: every chunk is read as it was or told to be damaged, and can be mended', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
      await closeAll();
      rmSync(directory, { recursive: true });
      let store = await opened();
      const contents = new Map<ManifestId, readonly Picture[]>();
      const books = new Set<ManifestId>();
      let rotten = false;
      for (const now of steps) {
        switch (now.do) {
          case 'keep':
            try {
              const id = await keep(store, now.image, now.before);
              contents.set(id, now.image);
              books.add(id);
            } catch (error) {
              // Of a chunk under way nobody looks at the base.
              if (!rotten) throw error;
            }
            break;
          case 'drop':
            books.delete([...books][now.which % Math.max(1, books.size)] ?? '');
            break;
          case 'sweep':
            if (!rotten) expect(await store.sweep(live(books))).toMatchObject({ missingChunks: 0, damagedPacks: [] });
            else await store.sweep(live(books));
            break;
          case 'restart':
            store = await opened();
            break;
          case 'rot': {
            const files = packFiles();
            const file = files[now.file % Math.max(1, files.length)];
            if (file === undefined) break;
            const pack = readFileSync(file);
            const at = Math.floor(now.where * pack.length);
            pack.writeUInt8(pack.readUInt8(at) ^ 4, at);
            writeFileSync(file, pack);
            rotten = true;
            break;
          }
          case 'mend': {
            const { damaged } = await store.verify([...books], () => undefined);
            if (!rotten) expect(damaged).toEqual([]);
            const told = new Set(damaged.map(({ manifest, index }) => `${manifest} ${String(index)}`));
            for (const id of books) {
              const read = await contentOf(store, contents.get(id) ?? []);
              // Each chunk is told once a manifest, at its first place.
              const first = (contents.get(id) ?? []).findIndex((picture, at) => read[at] === null && !told.has(`${id} ${String((contents.get(id) ?? []).findIndex((other) => hashOf(other).equals(hashOf(picture))))}`));
              expect(first).toBe(-1);
            }
            for (const { manifest, index, hash } of damaged) await store.repair(hash, bytesOf((contents.get(manifest) ?? [])[index] ?? base));
            expect((await store.verify([...books], () => undefined)).damaged.filter(({ hash }) => !damaged.some((one) => one.hash.equals(hash)))).toEqual([]);
            for (const id of books) expect((await contentOf(store, contents.get(id) ?? [])).includes(null)).toBe(false);
            break;
          }
          case 'die': {
            const backend = new DyingBackend(new DirectoryBackend(directory), now.afterwards);
            const dying = await opened(backend);
            backend.left = now.after;
            if (now.in === 'sweep') await dying.sweep(live(books)).catch(() => undefined);
            else {
              await keep(dying, now.image, now.before).then(
                (id) => {
                  contents.set(id, now.image);
                  books.add(id);
                },
                () => undefined,
              );
            }
            store = await opened();
          }
        }
        for (const id of books) {
          const read = await contentOf(store, contents.get(id) ?? []);
          if (!rotten) expect(read.includes(null)).toBe(false);
        }
      }
      if (rotten) return;
      await store.sweep(live([]));
      expect(store.stats()).toMatchObject({ chunks: 0, packs: 0, manifests: 0, storedBytes: 0 });
    }),
    { numRuns: 120 },
  );
});

test('a manifest names its chunks, however they are kept', async () => {
  const store = await opened();
  await keep(store, [base], 0);
  const id = await keep(store, [base, changedOnce], 0);
  const stored = await store.manifest(id);
  expect(stored === null ? 0 : chunkCount(stored.manifest)).toBe(2);
  expect(stored === null ? null : Buffer.from(chunkHash(stored.manifest, 1))).toEqual(hashOf(changedOnce));
});
