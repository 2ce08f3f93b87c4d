import fc from 'fast-check';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { manifestOf, type ManifestId } from '@paravcl/shared/chunks/manifest';
import { hashBytes } from '@paravcl/shared/chunks/manifest-hashes';
import { runProgram } from '@paravcl/workbench/process/run-program';
import { ChunkStore } from '../../src/store/chunk-store';
import { ContentReader } from '../../src/store/content-reader';
import { DirectoryBackend } from '../../src/store/directory-backend';

jest.setTimeout(120_000);

let directory: string;
let store: ChunkStore;
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'qcow2-download-'));
  store = new ChunkStore(new DirectoryBackend(join(directory, 'chunks')));
  await store.open();
});
afterEach(async () => {
  await store.close();
  rmSync(directory, { recursive: true });
});

/** A disk of which these chunks have bytes. */
async function keep(chunkBytes: number, sizeBytes: number, chunks: ReadonlyMap<number, Buffer>): Promise<ManifestId> {
  const hashes = Buffer.alloc(Math.ceil(sizeBytes / chunkBytes) * hashBytes);
  const session = store.begin();
  for (const [index, bytes] of chunks) {
    const hash = createHash('sha256').update(bytes).digest();
    hash.copy(hashes, index * hashBytes);
    await session.put(hash, bytes);
  }
  const id = await session.putManifest(manifestOf({ chunkBytes, sizeBytes }, hashes));
  session.release();
  return id;
}

async function read(id: ManifestId, offset: number, format: 'raw' | 'qcow2'): Promise<{ readonly sizeBytes: number; readonly bytes: Buffer }> {
  const { sizeBytes, stream } = await new ContentReader(store, () => undefined).open(id, offset, format);
  const pieces: Buffer[] = [];
  for await (const piece of stream) pieces.push(piece as Buffer);
  return { sizeBytes, bytes: Buffer.concat(pieces) };
}

/** QEMU finds no fault in the file, not even a lost cluster, and in it what the raw file has. */
async function expectSound(qcow2: Buffer, raw: Buffer): Promise<void> {
  const [file, rawFile] = [join(directory, 'disk.qcow2'), join(directory, 'disk.raw')];
  writeFileSync(file, qcow2);
  writeFileSync(rawFile, raw);
  expect(await runProgram('qemu-img', ['check', '-f', 'qcow2', '--', file])).toContain('No errors were found on the image.');
  expect(await runProgram('qemu-img', ['compare', '-f', 'raw', '-F', 'qcow2', '--', rawFile, file])).toContain('Images are identical.');
}

test('whatever chunks a disk has, it is a sound qcow2 with the same bytes, and any rest of it is that of the whole', async () => {
  const sizes = fc.record({ chunkBytes: fc.constantFrom(4096, 65_536, 131_072), chunks: fc.integer({ min: 1, max: 40 }), shorterBy: fc.nat(7) });
  await fc.assert(
    fc.asyncProperty(sizes, fc.array(fc.nat(39), { maxLength: 20 }), fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 2, maxLength: 4 }), async ({ chunkBytes, chunks, shorterBy }, withBytes, offsets) => {
      const sizeBytes = chunks * chunkBytes - shorterBy * 512;
      const content = new Map(withBytes.filter((index) => index < chunks).map((index) => [index, randomBytes(Math.min(chunkBytes, sizeBytes - index * chunkBytes))]));
      const id = await keep(chunkBytes, sizeBytes, content);
      const { sizeBytes: fileBytes, bytes } = await read(id, 0, 'qcow2');
      expect(bytes.length).toBe(fileBytes);
      await expectSound(bytes, (await read(id, 0, 'raw')).bytes);
      for (const part of offsets) {
        const offset = Math.floor(part * fileBytes);
        expect((await read(id, offset, 'qcow2')).bytes.equals(bytes.subarray(offset))).toBe(true);
      }
    }),
    { numRuns: 25 },
  );
});

test('a disk with many tables of which some are empty, and many counts, is sound', async () => {
  // Chunks of 4 KiB: a table tells of 2 MiB, a block of counts of 8 MiB.
  const chunks = new Map(Array.from({ length: 3000 }, (_, at) => [at < 2500 ? 600 + at : 30_000 + at, randomBytes(4096)]));
  const id = await keep(4096, 40_000 * 4096, chunks);
  const { bytes } = await read(id, 0, 'qcow2');
  expect(bytes.length).toBeLessThan(3030 * 4096);
  await expectSound(bytes, (await read(id, 0, 'raw')).bytes);
  for (const offset of [0, 4096, bytes.length - 4097, bytes.length - 1, bytes.length]) expect((await read(id, offset, 'qcow2')).bytes.equals(bytes.subarray(offset))).toBe(true);
});

test('a disk of zeros alone is its tables, and an offset past the end of the file is refused', async () => {
  const id = await keep(65_536, 10 * 1024 ** 3, new Map());
  const { bytes } = await read(id, 0, 'qcow2');
  expect(bytes.length).toBe(4 * 65_536);
  await expect(read(id, bytes.length + 1, 'qcow2')).rejects.toMatchObject({ code: 'invalid-input', message: 'The image has 262144 bytes as qcow2.' });
});
