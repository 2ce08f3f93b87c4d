/**
 * What an image version is: the SHA-256 of each of its chunks, in order. A chunk of zeros has no hash and
 * costs nothing. Two manifests with the same id have the same bytes, whoever made them.
 *
 * Encoded: "PVCLMAN1", chunk size (u32), size (u64), then 32 bytes a chunk, all zero for a chunk of zeros.
 * Numbers are big-endian.
 */
export interface Manifest {
  /** Every chunk but the last has this many bytes. */
  readonly chunkBytes: number;
  /** Bytes of the whole content; of a disk a multiple of 512. */
  readonly sizeBytes: number;
  /** 32 bytes a chunk. */
  readonly hashes: Buffer;
}

/** SHA-256 over the encoded manifest, lower-case hexadecimal. */
export type ManifestId = string;

/** Chunk size of new images: small enough that a 4 KiB read does not wait long, large enough to be hashed and sent cheaply. */
export const defaultChunkBytes = 64 * 1024;
/** A disk of 4 TiB in chunks of 64 KiB. */
export const mostChunks = 64 * 1024 * 1024;
export const hashBytes = 32;

const magic = Buffer.from('PVCLMAN1', 'latin1');
/** Bytes before the hashes. */
export const manifestHeadBytes = magic.length + 4 + 8;
const zeroHash = Buffer.alloc(hashBytes);

export function chunkCount({ sizeBytes, chunkBytes }: Pick<Manifest, 'sizeBytes' | 'chunkBytes'>): number {
  return Math.ceil(sizeBytes / chunkBytes);
}

/** Bytes of this chunk; only the last one may be shorter. */
export function chunkLength(manifest: Pick<Manifest, 'sizeBytes' | 'chunkBytes'>, index: number): number {
  return Math.min(manifest.chunkBytes, manifest.sizeBytes - index * manifest.chunkBytes);
}

/** A view of the hash, 32 bytes; all zero for a chunk of zeros. */
export function chunkHash({ hashes }: Pick<Manifest, 'hashes'>, index: number): Buffer {
  return hashes.subarray(index * hashBytes, (index + 1) * hashBytes);
}

export function isZeroChunk(manifest: Pick<Manifest, 'hashes'>, index: number): boolean {
  return chunkHash(manifest, index).equals(zeroHash);
}

export function encodeManifest({ chunkBytes, sizeBytes, hashes }: Manifest): Buffer {
  const head = Buffer.alloc(manifestHeadBytes);
  magic.copy(head);
  head.writeUInt32BE(chunkBytes, magic.length);
  head.writeBigUInt64BE(BigInt(sizeBytes), magic.length + 4);
  return Buffer.concat([head, hashes]);
}

/** What the first `manifestHeadBytes` of an encoded manifest say. Throws a RangeError that says what is wrong with them. */
export function readManifestHead(bytes: Buffer): Pick<Manifest, 'chunkBytes' | 'sizeBytes'> {
  if (bytes.length < manifestHeadBytes || !bytes.subarray(0, magic.length).equals(magic)) throw new RangeError('These bytes are no manifest of an image.');
  const chunkBytes = bytes.readUInt32BE(magic.length);
  const sizeBytes = Number(bytes.readBigUInt64BE(magic.length + 4));
  if (chunkBytes < 4096 || chunkBytes > 4 * 1024 * 1024 || chunkBytes % 4096 !== 0) throw new RangeError(`A manifest with chunks of ${chunkBytes} bytes is not taken.`);
  const chunks = Math.ceil(sizeBytes / chunkBytes);
  if (chunks < 1 || chunks > mostChunks) throw new RangeError(`A manifest of ${sizeBytes} bytes in chunks of ${chunkBytes} is not taken.`);
  return { chunkBytes, sizeBytes };
}

/** Throws a RangeError that says what is wrong with the bytes. The hashes are a view of them. */
export function decodeManifest(bytes: Buffer): Manifest {
  const head = readManifestHead(bytes);
  const hashes = bytes.subarray(manifestHeadBytes);
  if (hashes.length !== chunkCount(head) * hashBytes) throw new RangeError(`The manifest names ${hashes.length / hashBytes} chunks where ${chunkCount(head)} are needed.`);
  return { ...head, hashes };
}
