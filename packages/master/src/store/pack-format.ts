import type { ChunkEncoding } from '@paravcl/shared/chunks/frames';
import { hashBytes } from '@paravcl/shared/chunks/manifest-hashes';
import { createHash } from 'node:crypto';
import type { KeptEncoding, StoredChunk } from './chunk-encoding';

/**
 * A pack: "PVCLPAK1", the chunks one after another as they are kept, the table of them, and the tail. The table has for
 * each chunk its hash (32), offset (u32), length (u32) and encoding (u8); the tail the number of entries (u32), the
 * SHA-256 of table and number, and "PVCLEND1". Numbers are big-endian.
 *
 * A pack with deltas has, behind the entries, the hash of each one's base (32) in the order of the deltas, the number of these
 * (u32) before the number of entries, and "PVCLEND2": a release that knows no deltas finds no end of a pack, and leaves it alone.
 *
 * A pack without its right tail is none: what it says is not believed.
 */
export type PackEntry = { readonly hash: Buffer; readonly offset: number; readonly length: number } & (
  | { readonly encoding: ChunkEncoding }
  | { readonly encoding: 'delta'; /** Hash of the chunk that it is the difference to. */ readonly base: Buffer }
);

export interface WholeChunk extends StoredChunk {
  readonly hash: Buffer;
}

/** Kept as the difference to another chunk, which is kept whole. */
export interface DeltaChunk {
  readonly hash: Buffer;
  readonly encoding: 'delta';
  readonly data: Buffer;
  readonly base: Buffer;
}

export type KeptChunk = WholeChunk | DeltaChunk;

/** The bytes are no pack, or one that was cut or changed. */
export class PackRefused extends Error {
  override readonly name = 'PackRefused';
}

export const packHead = Buffer.from('PVCLPAK1', 'latin1');
const end = Buffer.from('PVCLEND1', 'latin1');
const endWithDeltas = Buffer.from('PVCLEND2', 'latin1');
/** Of every release, before the digit that says which. */
const anyEnd = end.subarray(0, -1);
const entryBytes = hashBytes + 4 + 4 + 1;
const shortTailBytes = 4 + 32 + end.length;
const longTailBytes = 4 + shortTailBytes;
/** No tail is shorter. */
export const packTailBytes = shortTailBytes;
const encodings = ['plain', 'deflate', 'delta'] as const satisfies readonly KeptEncoding[];

/** Packs are read and written whole, so they stay small beside a machine's memory and one request to an object store. */
export const mostPackBytes = 32 * 1024 * 1024;
/** Tiny chunks fill a table sooner than a pack. */
export const mostPackChunks = 8192;

/** The pieces of a pack in order, and where each chunk stands in it. */
export function buildPack(chunks: readonly KeptChunk[]): { readonly pieces: readonly Buffer[]; readonly entries: readonly PackEntry[] } {
  let offset = packHead.length;
  const entries = chunks.map(({ data, ...chunk }): PackEntry => {
    const entry = { ...chunk, offset, length: data.length };
    offset += data.length;
    return entry;
  });
  return { pieces: [packHead, ...chunks.map(({ data }) => data), encodeTable(entries)], entries };
}

function encodeTable(entries: readonly PackEntry[]): Buffer {
  const bases = entries.flatMap((entry) => (entry.encoding === 'delta' ? [entry.base] : []));
  const table = Buffer.alloc(entries.length * entryBytes + bases.length * hashBytes + (bases.length > 0 ? longTailBytes : shortTailBytes));
  let at = 0;
  for (const { hash, offset, length, encoding } of entries) {
    hash.copy(table, at);
    table.writeUInt32BE(offset, at + hashBytes);
    table.writeUInt32BE(length, at + hashBytes + 4);
    table.writeUInt8(encodings.indexOf(encoding), at + hashBytes + 8);
    at += entryBytes;
  }
  for (const base of bases) at += base.copy(table, at);
  if (bases.length > 0) at = table.writeUInt32BE(bases.length, at);
  at = table.writeUInt32BE(entries.length, at);
  at += createHash('sha256').update(table.subarray(0, at)).digest().copy(table, at);
  (bases.length > 0 ? endWithDeltas : end).copy(table, at);
  return table;
}

interface Tail {
  readonly bytes: number;
  readonly entries: number;
  readonly bases: number;
}

function readTail(bytes: Buffer): Tail {
  const found = bytes.subarray(-end.length);
  const hasDeltas = found.equals(endWithDeltas);
  if (!hasDeltas && !found.equals(end)) throw new PackRefused(found.subarray(0, -1).equals(anyEnd) ? 'it was written by a newer release' : 'it has no end of a pack');
  const tailBytes = hasDeltas ? longTailBytes : shortTailBytes;
  if (bytes.length < tailBytes) throw new PackRefused('it has no end of a pack');
  return { bytes: tailBytes, entries: bytes.readUInt32BE(bytes.length - shortTailBytes), bases: hasDeltas ? bytes.readUInt32BE(bytes.length - longTailBytes) : 0 };
}

/** Bytes of table and tail together, as the tail says. Throws PackRefused. */
export function packTableBytes(tail: Buffer, packBytes: number): number {
  const { bytes, entries, bases } = readTail(tail);
  const whole = entries * entryBytes + bases * hashBytes + bytes;
  if (whole > packBytes - packHead.length) throw new PackRefused('its table is longer than the pack');
  return whole;
}

/** The entries, from the last `packTableBytes` of a pack. Their hashes are views of `table`. Throws PackRefused. */
export function parsePackTable(table: Buffer, packBytes: number): readonly PackEntry[] {
  if (packTableBytes(table, packBytes) !== table.length) throw new PackRefused('its table has another length than its tail says');
  const { entries: count, bases } = readTail(table);
  const digestAt = table.length - end.length - 32;
  const digest = createHash('sha256').update(table.subarray(0, digestAt)).digest();
  if (!digest.equals(table.subarray(digestAt, digestAt + 32))) throw new PackRefused('its table was changed');
  let baseAt = count * entryBytes;
  const entries = Array.from({ length: count }, (_, index): PackEntry => {
    const at = index * entryBytes;
    const encoding = encodings[table.readUInt8(at + hashBytes + 8)];
    const entry = { hash: table.subarray(at, at + hashBytes), offset: table.readUInt32BE(at + hashBytes), length: table.readUInt32BE(at + hashBytes + 4) };
    if (encoding === undefined) throw new PackRefused(`its chunk ${index} is kept in a way that a newer release knows`);
    if (entry.offset < packHead.length || entry.offset + entry.length > packBytes - table.length) throw new PackRefused(`its chunk ${index} lies outside of it`);
    if (encoding !== 'delta') return { ...entry, encoding };
    const base = table.subarray(baseAt, baseAt + hashBytes);
    baseAt += hashBytes;
    return { ...entry, encoding, base };
  });
  if (baseAt !== count * entryBytes + bases * hashBytes) throw new PackRefused('it has another number of deltas than of bases');
  return entries;
}
