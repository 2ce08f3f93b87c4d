import { chunksOfPart, hasHash, hashAt, hashBytes, packHashes, unpackHashes, type PackedHashes } from './manifest-hashes';

/**
 * What an image version is: the SHA-256 of each of its chunks, in order. A chunk of zeros has no hash and
 * costs nothing. Two manifests with the same id have the same bytes, whoever made them.
 *
 * Encoded: "PVCLMAN1", chunk size (u32), size (u64), then 32 bytes a chunk, all zero for a chunk of zeros.
 * Numbers are big-endian.
 */
export interface Manifest extends ContentSize {
  /** Each of `chunksOfPart` chunks, the last of the rest. */
  readonly parts: readonly PackedHashes[];
}

export interface ContentSize {
  /** Every chunk but the last has this many bytes. */
  readonly chunkBytes: number;
  /** Bytes of the whole content; of a disk a multiple of 512. */
  readonly sizeBytes: number;
}

/** SHA-256 over the encoded manifest, lower-case hexadecimal. */
export type ManifestId = string;

/** Chunk size of new images: small enough that a 4 KiB read does not wait long, large enough to be hashed and sent cheaply. */
export const defaultChunkBytes = 64 * 1024;
/** A disk of 512 GiB in chunks of 64 KiB; larger disks get larger chunks. Their hashes take 256 MiB when no chunk is of zeros. */
export const mostChunks = 8 * 1024 * 1024;

const magic = Buffer.from('PVCLMAN1', 'latin1');
/** Bytes before the hashes. */
export const manifestHeadBytes = magic.length + 4 + 8;

/** `hashes`: 32 bytes a chunk, all zero for a chunk of zeros; nothing is kept of them. Throws a RangeError when they are of more or fewer chunks. */
export function manifestOf({ chunkBytes, sizeBytes }: ContentSize, hashes: Buffer): Manifest {
  const chunks = chunkCount({ chunkBytes, sizeBytes });
  if (hashes.length !== chunks * hashBytes) throw new RangeError(`The manifest names ${hashes.length / hashBytes} chunks where ${chunks} are needed.`);
  const parts: PackedHashes[] = [];
  for (let at = 0; at < hashes.length; at += chunksOfPart * hashBytes) parts.push(packHashes(hashes.subarray(at, at + chunksOfPart * hashBytes)));
  return { chunkBytes, sizeBytes, parts };
}

export function chunkCount({ sizeBytes, chunkBytes }: ContentSize): number {
  return Math.ceil(sizeBytes / chunkBytes);
}

/** Bytes of this chunk; only the last one may be shorter. */
export function chunkLength(manifest: ContentSize, index: number): number {
  return Math.min(manifest.chunkBytes, manifest.sizeBytes - index * manifest.chunkBytes);
}

/** A view of the hash, 32 bytes; all zero for a chunk of zeros. Throws a RangeError when there is no such chunk. */
export function chunkHash(manifest: Pick<Manifest, 'parts'>, index: number): Buffer {
  return hashAt(partWith(manifest, index), index % chunksOfPart);
}

/** Throws a RangeError when there is no such chunk. */
export function isZeroChunk(manifest: Pick<Manifest, 'parts'>, index: number): boolean {
  return !hasHash(partWith(manifest, index), index % chunksOfPart);
}

function partWith({ parts }: Pick<Manifest, 'parts'>, index: number): PackedHashes {
  const part = parts[Math.floor(index / chunksOfPart)];
  if (part === undefined || index % chunksOfPart >= part.chunks) throw new RangeError(`The manifest has no chunk ${index}.`);
  return part;
}

/** Bytes that its hashes take in memory. */
export function heldBytes({ parts }: Pick<Manifest, 'parts'>): number {
  return parts.reduce((sum, { hashes, present, ranks }) => sum + hashes.byteLength + present.byteLength + ranks.byteLength, 0);
}

export function encodeManifest({ chunkBytes, sizeBytes, parts }: Manifest): Buffer {
  const encoded = Buffer.alloc(manifestHeadBytes + chunkCount({ chunkBytes, sizeBytes }) * hashBytes);
  writeManifestHead({ chunkBytes, sizeBytes }, encoded);
  parts.forEach((part, number) => unpackHashes(part, encoded, manifestHeadBytes + number * chunksOfPart * hashBytes));
  return encoded;
}

export function writeManifestHead({ chunkBytes, sizeBytes }: ContentSize, target: Buffer): void {
  magic.copy(target);
  target.writeUInt32BE(chunkBytes, magic.length);
  target.writeBigUInt64BE(BigInt(sizeBytes), magic.length + 4);
}

/** What the first `manifestHeadBytes` of an encoded manifest say. Throws a RangeError that says what is wrong with them. */
export function readManifestHead(bytes: Buffer): ContentSize {
  if (bytes.length < manifestHeadBytes || !bytes.subarray(0, magic.length).equals(magic)) throw new RangeError('These bytes are no manifest of an image.');
  const chunkBytes = bytes.readUInt32BE(magic.length);
  const sizeBytes = Number(bytes.readBigUInt64BE(magic.length + 4));
  if (chunkBytes < 4096 || chunkBytes > 4 * 1024 * 1024 || chunkBytes % 4096 !== 0) throw new RangeError(`A manifest with chunks of ${chunkBytes} bytes is not taken.`);
  const chunks = Math.ceil(sizeBytes / chunkBytes);
  if (chunks < 1 || chunks > mostChunks) throw new RangeError(`A manifest of ${sizeBytes} bytes in chunks of ${chunkBytes} is not taken.`);
  return { chunkBytes, sizeBytes };
}

/** Throws a RangeError that says what is wrong with the bytes. Keeps nothing of them. */
export function decodeManifest(bytes: Buffer): Manifest {
  return manifestOf(readManifestHead(bytes), bytes.subarray(manifestHeadBytes));
}
