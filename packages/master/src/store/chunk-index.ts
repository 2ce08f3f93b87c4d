import { hashBytes } from '@paravcl/shared/chunks/manifest-hashes';
import type { KeptEncoding } from './chunk-encoding';

/** Where a chunk stands. */
export interface ChunkPlace {
  /** Number of the pack, from 1. */
  readonly pack: number;
  readonly offset: number;
  readonly length: number;
  readonly encoding: KeptEncoding;
}

/** The table is cut into so many parts, so that none is ever long to double or to go through. */
export const indexParts = 1024;
const firstSlots = 16;
const hashWords = hashBytes / 4;
/** Words of one slot: the hash, then pack (0: empty), offset, length with the encoding in its two highest bits, turn. */
const slotWords = hashWords + 4;
const [packWord, offsetWord, lengthWord, turnWord] = [hashWords, hashWords + 1, hashWords + 2, hashWords + 3] as const;
/** No chunk has 1 GiB. */
const encodingBits = 30;
const encodings = ['plain', 'delta', 'deflate'] as const satisfies readonly KeptEncoding[];

interface Part {
  words: Uint32Array;
  slots: number;
  used: number;
}

/**
 * Which chunks the store has, and where: a hash table with open addressing (linear probing) in typed arrays, 48 bytes
 * a slot, because a store of a terabyte has 16 million chunks and that many objects would be too much for a process.
 *
 * Each chunk has the *turn* at which it was last put, met or marked; `forgetBefore` drops those of earlier turns.
 */
export class ChunkIndex {
  private readonly parts: Part[] = Array.from({ length: indexParts }, () => ({ words: new Uint32Array(0), slots: 0, used: 0 }));
  private chunks = 0;

  get size(): number {
    return this.chunks;
  }

  find(hash: Buffer): ChunkPlace | null {
    const part = this.partOf(hash);
    const at = slotOf(part, hash);
    return at < 0 || part.words[at + packWord] === 0 ? null : placeAt(part.words, at);
  }

  /** Whether the chunk is there; its turn becomes at least this one. */
  meet(hash: Buffer, turn: number): boolean {
    const part = this.partOf(hash);
    const at = slotOf(part, hash);
    if (at < 0 || part.words[at + packWord] === 0) return false;
    part.words[at + turnWord] = Math.max(part.words[at + turnWord] ?? 0, turn);
    return true;
  }

  /** Puts it in, or at its new place; answers the old one. Its turn becomes at least this one. */
  set(hash: Buffer, place: ChunkPlace, turn: number): ChunkPlace | null {
    const part = this.partOf(hash);
    // At most three quarters full: chains stay short.
    if ((part.used + 1) * 4 > part.slots * 3) grow(part);
    const at = slotOf(part, hash);
    const before = part.words[at + packWord] === 0 ? null : placeAt(part.words, at);
    if (before === null) {
      for (let word = 0; word < hashWords; word += 1) part.words[at + word] = hash.readUInt32LE(word * 4);
      part.used += 1;
      this.chunks += 1;
    }
    part.words[at + packWord] = place.pack;
    part.words[at + offsetWord] = place.offset;
    part.words[at + lengthWord] = place.length | (encodings.indexOf(place.encoding) << encodingBits);
    part.words[at + turnWord] = Math.max(part.words[at + turnWord] ?? 0, turn);
    return before;
  }

  /** Drops from one part (0 to `indexParts` - 1) what was last put, met or marked before `turn`, and tells where it stood. */
  forgetBefore(turn: number, partNumber: number, forgotten: (place: ChunkPlace) => void): void {
    const part = this.parts[partNumber];
    if (part === undefined) return;
    const { words, slots } = part;
    const kept: number[] = [];
    for (let at = 0; at < slots * slotWords; at += slotWords) {
      if (words[at + packWord] === 0) continue;
      if ((words[at + turnWord] ?? 0) >= turn) kept.push(at);
      else forgotten(placeAt(words, at));
    }
    if (kept.length === part.used) return;
    this.chunks -= part.used - kept.length;
    let wanted = kept.length === 0 ? 0 : firstSlots;
    while (kept.length * 4 > wanted * 3) wanted *= 2;
    refill(part, wanted, kept);
  }

  /** Hashes of the chunks of one part that stand in this pack. */
  hashesIn(pack: number, partNumber: number): readonly Buffer[] {
    const { words, slots } = this.parts[partNumber] ?? { words: new Uint32Array(0), slots: 0 };
    const found: Buffer[] = [];
    for (let at = 0; at < slots * slotWords; at += slotWords) {
      if (words[at + packWord] !== pack) continue;
      const hash = Buffer.alloc(hashBytes);
      for (let word = 0; word < hashWords; word += 1) hash.writeUInt32LE(words[at + word] ?? 0, word * 4);
      found.push(hash);
    }
    return found;
  }

  private partOf(hash: Buffer): Part {
    const part = this.parts[hash.readUInt32LE(0) % indexParts];
    if (part === undefined) throw new RangeError('The index has no such part.');
    return part;
  }
}

function placeAt(words: Uint32Array, at: number): ChunkPlace {
  const length = words[at + lengthWord] ?? 0;
  return {
    pack: words[at + packWord] ?? 0,
    offset: words[at + offsetWord] ?? 0,
    length: length & ((1 << encodingBits) - 1),
    encoding: encodings[length >>> encodingBits] ?? 'plain',
  };
}

/** First word of the slot that has the hash, or of the empty one where it belongs; -1 when there are no slots. */
function slotOf({ words, slots }: Part, hash: Buffer): number {
  if (slots === 0) return -1;
  const [w0, w1, w2, w3] = [hash.readUInt32LE(0), hash.readUInt32LE(4), hash.readUInt32LE(8), hash.readUInt32LE(12)];
  const [w4, w5, w6, w7] = [hash.readUInt32LE(16), hash.readUInt32LE(20), hash.readUInt32LE(24), hash.readUInt32LE(28)];
  for (let slot = w1 & (slots - 1); ; slot = (slot + 1) & (slots - 1)) {
    const at = slot * slotWords;
    if (words[at + packWord] === 0) return at;
    if (
      words[at] === w0 && words[at + 1] === w1 && words[at + 2] === w2 && words[at + 3] === w3 &&
      words[at + 4] === w4 && words[at + 5] === w5 && words[at + 6] === w6 && words[at + 7] === w7
    ) return at;
  }
}

function grow(part: Part): void {
  const used: number[] = [];
  for (let at = 0; at < part.slots * slotWords; at += slotWords) if (part.words[at + packWord] !== 0) used.push(at);
  refill(part, Math.max(firstSlots, part.slots * 2), used);
}

/** A fresh table with the slots that begin at these words of the old one. */
function refill(part: Part, slots: number, kept: readonly number[]): void {
  const words = new Uint32Array(slots * slotWords);
  for (const from of kept) {
    let slot = (part.words[from + 1] ?? 0) & (slots - 1);
    while (words[slot * slotWords + packWord] !== 0) slot = (slot + 1) & (slots - 1);
    words.set(part.words.subarray(from, from + slotWords), slot * slotWords);
  }
  part.words = words;
  part.slots = slots;
  part.used = kept.length;
}
