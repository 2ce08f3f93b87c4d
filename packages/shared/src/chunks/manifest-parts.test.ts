import { encodeManifest, chunkCount, manifestHeadBytes, manifestOf, mostChunks, writeManifestHead } from './manifest';
import { chunksOfPart, hashBytes } from './manifest-hashes';
import { encodedPart, ManifestAssembly, mostPartBytes, mostParts, partCount } from './manifest-parts';

const chunks = 2 * chunksOfPart + 5;
const size = { chunkBytes: 4096, sizeBytes: chunks * 4096 };
const hashes = Buffer.alloc(chunks * hashBytes);
for (let index = 0; index < chunks; index += 3) hashes.writeUInt32BE(index + 1, index * hashBytes);
const manifest = manifestOf(size, hashes);
const parts = Array.from({ length: partCount(size) }, (_, part) => encodedPart(manifest, part));

describe('the parts of a manifest', () => {
  it('are together the encoded manifest', () => {
    expect(parts.map(({ length }) => length)).toEqual([mostPartBytes, chunksOfPart * hashBytes, 5 * hashBytes]);
    expect(Buffer.concat(parts).equals(encodeManifest(manifest))).toBe(true);
    expect(() => encodedPart(manifest, 3)).toThrow(RangeError);
  });

  it('are put together as they come; the first says how many there are', () => {
    const assembly = new ManifestAssembly();
    expect([assembly.count, assembly.soFar]).toEqual([1, null]);
    for (const [number, part] of parts.entries()) {
      expect(assembly.taken).toBe(number);
      assembly.take(part);
      expect(assembly.count).toBe(3);
      expect(assembly.soFar === null ? null : encodedPart(assembly.soFar, number).equals(part)).toBe(true);
    }
    expect(assembly.soFar).toEqual(manifest);
  });

  it('of another length, or more of them than there are, are refused and change nothing', () => {
    const assembly = new ManifestAssembly();
    for (const wrong of [Buffer.alloc(0), parts[1], parts[0]?.subarray(0, -1)]) expect(() => assembly.take(wrong ?? Buffer.alloc(0))).toThrow(RangeError);
    expect([assembly.count, assembly.taken]).toEqual([1, 0]);
    for (const part of parts) assembly.take(part);
    expect(() => assembly.take(parts[2] ?? Buffer.alloc(0))).toThrow(RangeError);
    expect(() => assembly.take(Buffer.alloc(0))).toThrow(RangeError);
    expect(assembly.soFar).toEqual(manifest);
  });

  it('are never more than there are numbers for', () => {
    const head = Buffer.alloc(manifestHeadBytes);
    writeManifestHead({ chunkBytes: 4096, sizeBytes: mostChunks * 4096 }, head);
    const assembly = new ManifestAssembly();
    assembly.take(Buffer.concat([head, Buffer.alloc(chunksOfPart * hashBytes)]));
    expect(assembly.count).toBe(mostParts);
    expect(chunkCount({ chunkBytes: 4096, sizeBytes: mostChunks * 4096 })).toBe(mostChunks);
    writeManifestHead({ chunkBytes: 4096, sizeBytes: (mostChunks + 1) * 4096 }, head);
    expect(() => new ManifestAssembly().take(Buffer.concat([head, Buffer.alloc(chunksOfPart * hashBytes)]))).toThrow(RangeError);
  });
});
