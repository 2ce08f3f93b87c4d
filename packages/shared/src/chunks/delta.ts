import type { ContentSize, ManifestId } from './manifest';

/**
 * A delta: what differs between the content of a base manifest and new content, in blocks of 4 KiB. A host sends one when
 * a disk is snapshotted; base and delta together are a new whole manifest.
 *
 * Encoded: "PVCLDEL1", chunk size (u32), size of the new content (u64), base manifest (32 bytes), then one record for each
 * chunk that has changed blocks, by rising index: index (u32), two masks of one bit a block, the lowest bit of the first byte
 * first (blocks that come with their bytes, blocks that are of zeros now), then the bytes of the former, in order.
 * The end is a record with the index 0xffffffff and nothing behind it: a delta without it is cut off. Numbers are big-endian.
 *
 * Where the new content is larger than the base's, what is not told is zeros; the last chunk's last block may be shorter than 4 KiB.
 */
export interface DeltaHead extends ContentSize {
  readonly base: ManifestId;
}

/** As a base: nothing, so that all of the new content is told. */
export const emptyContent: ManifestId = '0'.repeat(64);
export const deltaBlockBytes = 4096;
export const deltaHeadBytes = 8 + 4 + 8 + 32;
/** Index of the record that ends a delta. */
export const deltaEnd = 0xffff_ffff;

const magic = Buffer.from('PVCLDEL1', 'latin1');

export function encodeDeltaHead({ chunkBytes, sizeBytes, base }: DeltaHead): Buffer {
  const head = Buffer.alloc(deltaHeadBytes);
  magic.copy(head);
  head.writeUInt32BE(chunkBytes, 8);
  head.writeBigUInt64BE(BigInt(sizeBytes), 12);
  head.write(base, 20, 'hex');
  return head;
}

/** Throws a RangeError that says what is wrong with the bytes. */
export function decodeDeltaHead(bytes: Buffer): DeltaHead {
  if (bytes.length < deltaHeadBytes || !bytes.subarray(0, magic.length).equals(magic)) throw new RangeError('These bytes are no delta of an image.');
  const chunkBytes = bytes.readUInt32BE(8);
  const sizeBytes = Number(bytes.readBigUInt64BE(12));
  if (chunkBytes < deltaBlockBytes || chunkBytes > 4 * 1024 * 1024 || chunkBytes % deltaBlockBytes !== 0) throw new RangeError(`A delta with chunks of ${chunkBytes} bytes is not taken.`);
  if (sizeBytes < 512 || sizeBytes % 512 !== 0 || sizeBytes / chunkBytes > 8 * 1024 * 1024) throw new RangeError(`A delta for a disk of ${sizeBytes} bytes in chunks of ${chunkBytes} is not taken.`);
  return { chunkBytes, sizeBytes, base: bytes.subarray(20, deltaHeadBytes).toString('hex') };
}

/** Blocks of a whole chunk. */
export function blocksOfChunk({ chunkBytes }: ContentSize): number {
  return chunkBytes / deltaBlockBytes;
}

/** Bytes of one mask. */
export function maskBytes(size: ContentSize): number {
  return Math.ceil(blocksOfChunk(size) / 8);
}

export function hasBlock(mask: Buffer, block: number): boolean {
  return (((mask[block >> 3] ?? 0) >>> (block & 7)) & 1) === 1;
}

export function setBlock(mask: Buffer, block: number): void {
  mask[block >> 3] = (mask[block >> 3] ?? 0) | (1 << (block & 7));
}
