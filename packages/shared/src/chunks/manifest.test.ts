import fc from 'fast-check';
import { chunkCount, chunkHash, chunkLength, decodeManifest, encodeManifest, heldBytes, isZeroChunk, manifestHeadBytes, manifestOf, type ContentSize } from './manifest';
import { chunksOfPart, hashBytes } from './manifest-hashes';

/** Hashes of which some are zero, in runs and alone, and some only begin with zeros. */
function hashesOf(chunks: number, kinds: readonly number[]): Buffer {
  const hashes = Buffer.alloc(chunks * hashBytes);
  for (let index = 0; index < chunks; index += 1) {
    const kind = kinds[index % kinds.length] ?? 0;
    if (kind === 1) hashes.fill(1 + (index % 255), index * hashBytes, (index + 1) * hashBytes);
    if (kind === 2) hashes.writeUInt32BE(index + 1, (index + 1) * hashBytes - 4);
  }
  return hashes;
}

const contents: fc.Arbitrary<{ readonly size: ContentSize; readonly hashes: Buffer }> = fc
  .record({ chunks: fc.oneof(fc.integer({ min: 1, max: 2000 }), fc.integer({ min: chunksOfPart - 2, max: 2 * chunksOfPart + 2 })), kinds: fc.array(fc.nat(2), { minLength: 1, maxLength: 700 }), last: fc.integer({ min: 1, max: 4096 }) })
  .map(({ chunks, kinds, last }) => ({ size: { chunkBytes: 4096, sizeBytes: (chunks - 1) * 4096 + last }, hashes: hashesOf(chunks, kinds) }));

describe('a manifest', () => {
  it('is encoded as its head and all hashes, and read back as it was written', () => {
    fc.assert(
      fc.property(contents, ({ size, hashes }) => {
        const encoded = encodeManifest(manifestOf(size, hashes));
        expect(encoded.subarray(manifestHeadBytes).equals(hashes)).toBe(true);
        expect(encodeManifest(decodeManifest(encoded)).equals(encoded)).toBe(true);
      }),
      { numRuns: 50 },
    );
  });

  it('has the hash of each chunk, and none for chunks of zeros', () => {
    fc.assert(
      fc.property(contents, ({ size, hashes }) => {
        const manifest = manifestOf(size, Buffer.from(hashes));
        for (let index = 0; index < chunkCount(size); index += 1) {
          const hash = hashes.subarray(index * hashBytes, (index + 1) * hashBytes);
          if (!chunkHash(manifest, index).equals(hash) || isZeroChunk(manifest, index) !== hash.every((byte) => byte === 0)) throw new Error(`chunk ${index} is another`);
        }
      }),
      { numRuns: 50 },
    );
  });

  it('keeps nothing of the bytes it was read from', () => {
    const encoded = encodeManifest(manifestOf({ chunkBytes: 4096, sizeBytes: 4096 }, Buffer.alloc(hashBytes, 7)));
    const manifest = decodeManifest(encoded);
    encoded.fill(9);
    expect(chunkHash(manifest, 0)).toEqual(Buffer.alloc(hashBytes, 7));
  });

  it('takes 32 bytes for a chunk that has some and a bit or so for one of zeros', () => {
    const size = { chunkBytes: 65_536, sizeBytes: 100 * 1024 ** 3 };
    const data = (5 * 1024 ** 3) / size.chunkBytes;
    const hashes = Buffer.alloc(chunkCount(size) * hashBytes);
    hashes.fill(1, 0, data * hashBytes);
    expect(hashes.length).toBe(50 * 1024 ** 2);
    expect(heldBytes(manifestOf(size, hashes))).toBe(data * hashBytes + chunkCount(size) / 8 + chunkCount(size) / 256);
  });

  it('has chunks whose lengths add up to its size', () => {
    fc.assert(
      fc.property(contents, ({ size }) => {
        const lengths = Array.from({ length: chunkCount(size) }, (_, index) => chunkLength(size, index));
        expect(lengths.reduce((sum, length) => sum + length, 0)).toBe(size.sizeBytes);
      }),
      { numRuns: 50 },
    );
  });

  it('has no chunk behind its last', () => {
    const manifest = manifestOf({ chunkBytes: 4096, sizeBytes: 8192 }, Buffer.alloc(2 * hashBytes, 1));
    for (const index of [-1, 2, chunksOfPart]) {
      expect(() => chunkHash(manifest, index)).toThrow(RangeError);
      expect(() => isZeroChunk(manifest, index)).toThrow(RangeError);
    }
  });

  it('of whatever bytes is read or refused with a RangeError', () => {
    const good = encodeManifest(manifestOf({ chunkBytes: 4096, sizeBytes: 8192 }, Buffer.alloc(64, 1)));
    fc.assert(
      fc.property(fc.nat(good.length - 1), fc.nat(255), fc.nat(good.length), (at, value, length) => {
        const bytes = Buffer.from(good.subarray(0, length));
        if (at < bytes.length) bytes[at] = value;
        try {
          decodeManifest(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError);
        }
      }),
    );
  });
});
