import { chunkCount, manifestHeadBytes, mostChunks, readManifestHead, writeManifestHead, type ContentSize, type Manifest } from './manifest';
import { chunksOfPart, hashBytes, isDense, packHashes, unpackHashes, type PackedHashes } from './manifest-hashes';

/** Most bytes of a part of an encoded manifest. */
export const mostPartBytes = manifestHeadBytes + chunksOfPart * hashBytes;
/** Parts of the largest manifest. */
export const mostParts = mostChunks / chunksOfPart;

export function partCount(size: ContentSize): number {
  return Math.ceil(chunkCount(size) / chunksOfPart);
}

/**
 * One slice of the encoded manifest: the hashes of `chunksOfPart` chunks, the first with the head before them. All parts in order are
 * the encoded manifest. Throws a RangeError when there is none of this number.
 */
export function encodedPart(manifest: Manifest, part: number): Buffer {
  const hashes = manifest.parts[part];
  if (hashes === undefined) throw new RangeError(`The manifest has no part ${part}.`);
  const start = part === 0 ? manifestHeadBytes : 0;
  const encoded = Buffer.alloc(start + hashes.chunks * hashBytes);
  if (part === 0) writeManifestHead(manifest, encoded);
  unpackHashes(hashes, encoded, start);
  return encoded;
}

/** The same as it is sent: of a large disk that is mostly holes through `deflate` (RFC 1951). */
export async function sentPart(manifest: Manifest, part: number, deflate: (encoded: Buffer) => Promise<Buffer>): Promise<{ readonly encoding: 'plain' | 'deflate'; readonly data: Buffer }> {
  const encoded = encodedPart(manifest, part);
  const hashes = manifest.parts[part];
  if (hashes !== undefined && isDense(hashes)) return { encoding: 'plain', data: encoded };
  return { encoding: 'deflate', data: await deflate(encoded) };
}

/** A manifest that comes part by part. Whether it is the right one only the SHA-256 over all of them tells. */
export class ManifestAssembly {
  private size: ContentSize | null = null;
  private readonly parts: PackedHashes[] = [];

  /** Parts that have come: the number of the next. */
  get taken(): number {
    return this.parts.length;
  }

  /** Parts in all; the first one says how many there are. */
  get count(): number {
    return this.size === null ? 1 : partCount(this.size);
  }

  /** The manifest with the parts that have come; null before the first. */
  get soFar(): Manifest | null {
    return this.size === null ? null : { ...this.size, parts: this.parts };
  }

  /** The next part, encoded. Keeps nothing of the bytes. Throws a RangeError for what it cannot be, and is as it was then. */
  take(encoded: Buffer): void {
    const size = this.size ?? readManifestHead(encoded);
    const hashes = encoded.subarray(this.size === null ? manifestHeadBytes : 0);
    const chunks = Math.min(chunksOfPart, chunkCount(size) - this.taken * chunksOfPart);
    if (chunks < 1 || hashes.length !== chunks * hashBytes) throw new RangeError(`Part ${this.taken} of the manifest has ${hashes.length} bytes where ${Math.max(0, chunks) * hashBytes} are needed.`);
    this.size = size;
    this.parts.push(packHashes(hashes));
  }
}
