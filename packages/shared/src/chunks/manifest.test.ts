import fc from 'fast-check';
import { chunkCount, chunkHash, chunkLength, decodeManifest, encodeManifest, hashBytes, isZeroChunk } from './manifest';

const manifests = fc
  .record({ chunkBytes: fc.constantFrom(4096, 65_536, 131_072), sizeBytes: fc.integer({ min: 1, max: 3_000_000 }) })
  .chain(({ chunkBytes, sizeBytes }) =>
    fc.uint8Array({ minLength: Math.ceil(sizeBytes / chunkBytes) * hashBytes, maxLength: Math.ceil(sizeBytes / chunkBytes) * hashBytes }).map((hashes) => ({ chunkBytes, sizeBytes, hashes: Buffer.from(hashes) })),
  );

describe('a manifest', () => {
  it('is read back as it was written', () => {
    fc.assert(fc.property(manifests, (manifest) => expect(decodeManifest(encodeManifest(manifest))).toEqual(manifest)), { numRuns: 50 });
  });

  it('has chunks whose lengths add up to its size', () => {
    fc.assert(
      fc.property(manifests, (manifest) => {
        const lengths = Array.from({ length: chunkCount(manifest) }, (_, index) => chunkLength(manifest, index));
        expect(lengths.reduce((sum, length) => sum + length, 0)).toBe(manifest.sizeBytes);
      }),
      { numRuns: 50 },
    );
  });

  it('knows its chunks of zeros by their missing hash', () => {
    const manifest = { chunkBytes: 4096, sizeBytes: 8192, hashes: Buffer.concat([Buffer.alloc(32), Buffer.alloc(32, 7)]) };
    expect([isZeroChunk(manifest, 0), isZeroChunk(manifest, 1)]).toEqual([true, false]);
    expect(chunkHash(manifest, 1)).toEqual(Buffer.alloc(32, 7));
  });

  it('of whatever bytes is read or refused with a RangeError', () => {
    const good = encodeManifest({ chunkBytes: 4096, sizeBytes: 8192, hashes: Buffer.alloc(64, 1) });
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
