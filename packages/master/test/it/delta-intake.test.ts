import fc from 'fast-check';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deltaBlockBytes, deltaEnd, deltaHeadBytes, emptyContent, encodeDeltaHead, type DeltaHead } from '@paravcl/shared/chunks/delta';
import { chunkCount, isZeroChunk, type ManifestId } from '@paravcl/shared/chunks/manifest';
import { deltaBytes, type WrittenBlock } from '@paravcl/workbench/bench/multisnapshot/delta-bytes';
import { ChunkStore } from '../../src/store/chunk-store';
import { chunkFile } from '../../src/store/content-chunker';
import { ContentReader } from '../../src/store/content-reader';
import { DeltaIntake } from '../../src/store/delta-intake';
import { DirectoryBackend } from '../../src/store/directory-backend';

jest.setTimeout(120_000);

const chunkBytes = 64 * 1024;
let directory: string;
let store: ChunkStore;
let intake: DeltaIntake;
const staged = (): string => join(directory, 'staged.part');
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'delta-intake-'));
  store = new ChunkStore(new DirectoryBackend(join(directory, 'chunks')));
  await store.open();
  intake = new DeltaIntake(store);
});
afterEach(async () => {
  await store.close();
  rmSync(directory, { recursive: true });
});


/** Keeps a disk as an upload does. */
async function keep(content: Buffer): Promise<ManifestId> {
  writeFileSync(join(directory, 'disk'), content);
  const session = store.begin();
  const { manifest } = await chunkFile(join(directory, 'disk'), 512, session, () => undefined);
  const id = await session.putManifest(manifest);
  session.release();
  return id;
}

async function contentOf(id: ManifestId): Promise<Buffer> {
  const { stream } = await new ContentReader(store, () => undefined).open(id, 0);
  const pieces: Buffer[] = [];
  for await (const piece of stream) pieces.push(piece as Buffer);
  return Buffer.concat(pieces);
}

/** What a host sends of a disk that had `before`, has `after`, and lies over `base`. */
function deltaOf(base: ManifestId, before: Buffer, after: Buffer): Buffer {
  const written: WrittenBlock[] = [];
  for (let at = 0; at < after.length; at += deltaBlockBytes) {
    const [was, now] = [before.subarray(at, at + deltaBlockBytes), after.subarray(at, at + deltaBlockBytes)];
    const wanted = Buffer.alloc(now.length);
    was.copy(wanted);
    if (!now.equals(wanted)) written.push({ block: at / deltaBlockBytes, bytes: now.equals(Buffer.alloc(now.length)) ? null : now });
  }
  return Buffer.concat([...deltaBytes({ chunkBytes, sizeBytes: after.length, base }, written)]);
}

async function take(bytes: Buffer, base: ManifestId): Promise<Awaited<ReturnType<DeltaIntake['take']>>> {
  writeFileSync(staged(), bytes);
  const taken = await intake.take(staged(), base);
  taken.release();
  return taken;
}

function diskOf(chunks: readonly ('zeros' | 'text' | 'noise')[], lastBytes = chunkBytes): Buffer {
  const whole = Buffer.concat(chunks.map((kind, at) => (kind === 'noise' ? randomBytes(chunkBytes) : Buffer.alloc(chunkBytes, kind === 'zeros' ? 0 : `text ${String(at)} `))));
  return whole.subarray(0, whole.length - chunkBytes + lastBytes);
}

test('whatever blocks of whatever disk were written, emptied, or are new, base and delta are the content', async () => {
  const kind = fc.constantFrom('zeros' as const, 'text' as const, 'noise' as const);
  const change = fc.record({ where: fc.double({ min: 0, max: 0.9999, noNaN: true }), blocks: fc.integer({ min: 1, max: 20 }), kind });
  const sectors = fc.integer({ min: 1, max: chunkBytes / 512 }).map((count) => count * 512);
  await fc.assert(
    fc.asyncProperty(fc.array(kind, { minLength: 1, maxLength: 6 }), sectors, fc.nat(3 * chunkBytes / 512), fc.array(change, { maxLength: 5 }), async (chunks, lastBytes, moreSectors, changes) => {
      const before = diskOf(chunks, lastBytes);
      const after = Buffer.concat([before, Buffer.alloc(moreSectors * 512)]);
      for (const { where, blocks, kind: to } of changes) {
        const target = after.subarray(Math.floor(where * after.length), Math.floor(where * after.length) + blocks * deltaBlockBytes);
        diskOf([to, to]).copy(target);
      }
      const base = await keep(before);
      const delta = deltaOf(base, before, after);
      const taken = await take(delta, base);
      expect((await contentOf(taken.manifestId)).equals(after)).toBe(true);
      expect(taken.contentBytes).toBe(after.length);
      // The same manifest as of the whole content, so hosts that have that have this.
      expect(await keep(after)).toBe(taken.manifestId);
      const { manifest } = (await store.manifest(taken.manifestId)) ?? {};
      if (manifest === undefined) throw new Error('There is no manifest.');
      for (let at = 0; at < chunkCount(manifest); at += 1) expect(isZeroChunk(manifest, at)).toBe(!after.subarray(at * chunkBytes, (at + 1) * chunkBytes).some((byte) => byte !== 0));
      expect((await store.verify([base, taken.manifestId], () => undefined)).damaged).toEqual([]);
    }),
    { numRuns: 60 },
  );
});

test('a delta against nothing is all of a content, which the store keeps as any other', async () => {
  const content = diskOf(['noise', 'zeros', 'text', 'noise'], 8192);
  const taken = await take(deltaOf(emptyContent, Buffer.alloc(0), content), emptyContent);
  expect((await contentOf(taken.manifestId)).equals(content)).toBe(true);
  expect(taken).toMatchObject({ contentBytes: content.length, manifestId: await keep(content) });
  expect((await store.verify([taken.manifestId], () => undefined)).damaged).toEqual([]);
});

test('a delta costs its blocks, and says how many chunks and bytes it changed', async () => {
  const before = diskOf(['noise', 'noise', 'noise']);
  const after = Buffer.from(before);
  randomBytes(deltaBlockBytes).copy(after, 0);
  after.fill(0, chunkBytes, chunkBytes + deltaBlockBytes);
  const base = await keep(before);
  const was = store.stats().storedBytes;
  const taken = await take(deltaOf(base, before, after), base);
  expect(taken).toMatchObject({ counted: { stored: 2, met: 0, mended: 0 }, dirtiedBytes: 2 * deltaBlockBytes });
  expect(store.stats().storedBytes - was).toBeLessThan(deltaBlockBytes + 500);
  // The same again finds all of it.
  expect((await take(deltaOf(base, before, after), base)).counted).toEqual({ stored: 0, met: 2, mended: 0 });
  expect(existsSync(staged())).toBe(true);
});

test('a snapshot of a snapshot is whole by itself when what it was made of is deleted and swept', async () => {
  let content = diskOf(['noise', 'text', 'zeros', 'noise']);
  let id = await keep(content);
  for (let nth = 0; nth < 6; nth += 1) {
    const next = Buffer.from(content);
    randomBytes(deltaBlockBytes).copy(next, (nth * 7 * deltaBlockBytes) % next.length);
    const taken = await take(deltaOf(id, content, next), id);
    [content, id] = [next, taken.manifestId];
    await store.sweep(() => Promise.resolve([id]));
    expect(store.stats().manifests).toBe(1);
    expect((await contentOf(id)).equals(content)).toBe(true);
  }
});

describe('a file that is no delta of this base is refused with what is wrong, and gone', () => {
  const before = diskOf(['noise', 'noise', 'noise'], 3 * deltaBlockBytes);
  const block = randomBytes(deltaBlockBytes);
  let base: ManifestId;
  beforeEach(async () => {
    base = await keep(before);
  });
  const head = (changed: Partial<DeltaHead> = {}): DeltaHead => ({ chunkBytes, sizeBytes: before.length, base, ...changed });
  const file = (changed: Partial<DeltaHead>, written: readonly WrittenBlock[]): Buffer => Buffer.concat([...deltaBytes(head(changed), written)]);
  const records = (...parts: readonly (number | Buffer)[]): Buffer => {
    const number = (value: number): Buffer => {
      const bytes = Buffer.alloc(4);
      bytes.writeUInt32BE(value);
      return bytes;
    };
    return Buffer.concat([encodeDeltaHead(head()), ...parts.map((part) => (typeof part === 'number' ? number(part) : part)), number(deltaEnd)]);
  };
  const cases: readonly (readonly [string, () => Buffer, RegExp])[] = [
    ['nothing', () => Buffer.alloc(0), /no delta of an image/],
    ['something else', () => randomBytes(1000), /no delta of an image/],
    ['one against another base', () => file({ base: 'a'.repeat(64) }, []), /against the content a{64}, not/],
    ['one with other chunks', () => file({ chunkBytes: 2 * chunkBytes }, []), /chunks of 131072 bytes, its base of 65536/],
    ['one of a smaller disk', () => file({ sizeBytes: 512 }, []), /disk of 512 bytes, its base has 143360: a disk does not shrink/],
    ['one that is cut behind its head', () => file({}, []).subarray(0, deltaHeadBytes), /cut off: it ends at byte 52, in the index of a chunk/],
    ['one that is cut in its masks', () => file({}, [{ block: 1, bytes: block }]).subarray(0, deltaHeadBytes + 6), /cut off: it ends at byte 58, in the masks of chunk 0/],
    ['one that is cut in its blocks', () => file({}, [{ block: 16, bytes: block }]).subarray(0, -10), /cut off: it ends at byte 4150, in the blocks of chunk 1/],
    ['one that is cut before its end', () => file({}, [{ block: 16, bytes: block }]).subarray(0, -4), /cut off: it ends at byte 4156, in the index/],
    ['one with bytes behind its end', () => Buffer.concat([file({}, []), Buffer.alloc(3)]), /ends at byte 56, and 3 bytes follow/],
    ['a chunk beyond the disk', () => records(3, Buffer.of(1, 0, 0, 0), block), /names chunk 3 of a disk that has 3/],
    ['chunks out of order', () => records(1, Buffer.of(1, 0, 0, 0), block, 0, Buffer.of(1, 0, 0, 0), block), /chunk 0 behind chunk 1; its chunks have to stand in order/],
    ['a chunk twice', () => records(1, Buffer.of(0, 0, 1, 0), 1, Buffer.of(0, 0, 2, 0)), /chunk 1 behind chunk 1/],
    ['a block beyond the last chunk', () => records(2, Buffer.of(8, 0, 0, 0), block), /block 3 of chunk 2, which has 3/],
    ['a block that is of zeros and brought', () => records(0, Buffer.of(1, 0, 1, 0), block), /block 0 of chunk 0 that it is of zeros, and brings its bytes/],
    ['a chunk without blocks', () => records(0, Buffer.of(0, 0, 0, 0)), /names chunk 0, and none of its blocks/],
  ];
  test.each(cases)('%s', async (_, bytes, sentence) => {
    const was = store.stats();
    await expect(take(bytes(), base)).rejects.toMatchObject({ code: 'invalid-input', message: expect.stringMatching(sentence) as string });
    expect(existsSync(staged())).toBe(false);
    expect(store.stats()).toMatchObject({ manifests: was.manifests });
  });

  test('whatever byte of it is changed: it is taken as it is, or refused', async () => {
    const after = Buffer.from(before);
    randomBytes(3 * deltaBlockBytes).copy(after, chunkBytes - deltaBlockBytes);
    const sound = deltaOf(base, before, after);
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.nat(deltaHeadBytes + 8), fc.nat(sound.length - 1)), fc.integer({ min: 1, max: 255 }), async (at, by) => {
        const changed = Buffer.from(sound);
        changed.writeUInt8(changed.readUInt8(at) ^ by, at);
        const answer = await take(changed, base).then(() => 'taken', (error: unknown) => (error as { code?: unknown }).code);
        expect(['taken', 'invalid-input']).toContain(answer);
      }),
      { numRuns: 100 },
    );
  });

  test('of a base that the store does not have', async () => {
    await expect(take(file({ base: 'a'.repeat(64) }, []), 'a'.repeat(64))).rejects.toThrow(/which the store does not have/);
  });

  test('of a base that has rotted: nothing is made of it, and the damage is told', async () => {
    const pack = join(directory, 'chunks/packs', readdirSync(join(directory, 'chunks/packs'))[0] ?? '');
    const bytes = readFileSync(pack);
    bytes.writeUInt8(bytes.readUInt8(100) ^ 1, 100);
    writeFileSync(pack, bytes);
    await expect(take(file({}, [{ block: 0, bytes: block }]), base)).rejects.toMatchObject({ code: 'store-damaged', message: expect.stringMatching(/is damaged. Verify the store with repair/) as string });
    expect((await store.lookOver([base])).damaged).toHaveLength(1);
  });
});

test('where room lacks nothing is written, and the delta is gone', async () => {
  const before = diskOf(['noise', 'noise']);
  const base = await keep(before);
  const after = Buffer.from(before);
  after.fill(7, 0, deltaBlockBytes);
  intake = new DeltaIntake(store, Number.MAX_SAFE_INTEGER);
  const was = store.stats();
  await expect(take(deltaOf(base, before, after), base)).rejects.toMatchObject({ code: 'storage-full', message: expect.stringMatching(/for its chunks, 1 MiB for the list of them/) as string });
  expect(existsSync(staged())).toBe(false);
  expect(store.stats()).toEqual(was);
});

test('sweeps in the midst of it take nothing that the new content needs, though the books forget the base when it has begun', async () => {
  const before = diskOf(Array.from({ length: 12 }, () => 'noise' as const));
  const base = await keep(before);
  const after = Buffer.from(before);
  for (let at = 0; at < after.length; at += chunkBytes) randomBytes(deltaBlockBytes).copy(after, at);
  writeFileSync(staged(), deltaOf(base, before, after));
  const begin = jest.spyOn(store, 'begin');
  const named = (): readonly ManifestId[] => (begin.mock.calls.length === 0 ? [base] : []);
  let [taking, swept] = [true, 0];
  const sweeps = (async () => {
    for (; taking || swept === 0; swept += 1) await store.sweep(() => Promise.resolve(named()));
  })();
  const taken = await intake.take(staged(), base).finally(() => {
    taking = false;
    return sweeps;
  });
  await store.sweep(() => Promise.resolve([]));
  expect(store.stats().manifests).toBe(1);
  expect((await contentOf(taken.manifestId)).equals(after)).toBe(true);
  taken.release();
});
