/**
 * The hashes of the chunks of one part of an image as they are held in memory: 32 bytes for a chunk that has bytes, a bit for one of zeros. A large
 * disk is mostly holes.
 *
 * Invariant: the hash of a chunk stands behind those of all chunks before it that have one; how many these are is counted ahead for
 * every `chunksOfRank` chunks, so that none takes longer to find than another.
 */
export interface PackedHashes {
  readonly chunks: number;
  /** A bit a chunk, the lowest first: whether it has a hash. */
  readonly present: Uint32Array;
  /** Hashes before each `chunksOfRank` chunks. */
  readonly ranks: Uint16Array;
  readonly hashes: Buffer;
}

export const hashBytes = 32;
/** Chunks of a part: of the usual chunks 1 GiB of disk, and 512 KiB of hashes. Its ranks fit 16 bits. */
export const chunksOfPart = 16 * 1024;

const bitsOfWord = 32;
const wordsOfRank = 16;
const chunksOfRank = wordsOfRank * bitsOfWord;
const zeroHash = Buffer.alloc(hashBytes);

/** Of `hashBytes` a chunk, all zero for a chunk of zeros; at most `chunksOfPart`. Keeps nothing of these bytes. */
export function packHashes(encoded: Buffer): PackedHashes {
  const chunks = encoded.length / hashBytes;
  const present = new Uint32Array(Math.ceil(chunks / bitsOfWord));
  const ranks = new Uint16Array(Math.ceil(chunks / chunksOfRank));
  const runs: Buffer[] = [];
  let found = 0;
  let runFrom = 0;
  for (let index = 0; index < chunks; index += 1) {
    if (index % chunksOfRank === 0) ranks[index / chunksOfRank] = found;
    const at = index * hashBytes;
    if (encoded[at] === 0 && encoded.subarray(at, at + hashBytes).equals(zeroHash)) {
      runs.push(encoded.subarray(runFrom, at));
      runFrom = at + hashBytes;
      continue;
    }
    const word = Math.floor(index / bitsOfWord);
    present[word] = (present[word] ?? 0) | (1 << (index % bitsOfWord));
    found += 1;
  }
  runs.push(encoded.subarray(runFrom));
  return { chunks, present, ranks, hashes: Buffer.concat(runs) };
}

/** Whether nearly every chunk has bytes: such hashes do not get smaller. */
export function isDense({ chunks, hashes }: PackedHashes): boolean {
  return hashes.length > chunks * hashBytes * 0.9;
}

export function hasHash({ present }: PackedHashes, index: number): boolean {
  return (((present[Math.floor(index / bitsOfWord)] ?? 0) >>> (index % bitsOfWord)) & 1) === 1;
}

/** A view of the hash; all zero for a chunk of zeros. */
export function hashAt(packed: PackedHashes, index: number): Buffer {
  if (!hasHash(packed, index)) return zeroHash;
  const { present, ranks, hashes } = packed;
  const word = Math.floor(index / bitsOfWord);
  const rank = Math.floor(index / chunksOfRank);
  let before = (ranks[rank] ?? 0) + bitsIn((present[word] ?? 0) & ((1 << (index % bitsOfWord)) - 1));
  for (let at = rank * wordsOfRank; at < word; at += 1) before += bitsIn(present[at] ?? 0);
  return hashes.subarray(before * hashBytes, (before + 1) * hashBytes);
}

/** Writes them as they were before they were packed. `target` is zero there. */
export function unpackHashes(packed: PackedHashes, target: Buffer, start: number): void {
  let from = 0;
  if (packed.hashes.length === packed.chunks * hashBytes) return void packed.hashes.copy(target, start);
  for (let index = 0; index < packed.chunks; index += 1) {
    if (hasHash(packed, index)) from += packed.hashes.copy(target, start + index * hashBytes, from, from + hashBytes);
  }
}

/** Bits that are set in 32 (Warren, Hacker's Delight, 5-1). */
function bitsIn(word: number): number {
  const pairs = word - ((word >>> 1) & 0x55555555);
  const fours = (pairs & 0x33333333) + ((pairs >>> 2) & 0x33333333);
  return Math.imul((fours + (fours >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
