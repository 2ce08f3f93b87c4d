import type { ChunkEncoding } from '@paravcl/shared/chunks/frames';
import { hashBytes } from '@paravcl/shared/chunks/manifest-hashes';
import { createHash } from 'node:crypto';

/**
 * A pack: "PVCLPAK1", the chunks one after another as they are kept, the table of them, and the tail. The table has for
 * each chunk its hash (32), offset (u32), length (u32) and encoding (u8); the tail the number of entries (u32), the
 * SHA-256 of table and number, and "PVCLEND1". Numbers are big-endian.
 *
 * A pack without its right tail is none: what it says is not believed.
 */
export interface PackEntry {
  readonly hash: Buffer;
  readonly offset: number;
  readonly length: number;
  readonly encoding: ChunkEncoding;
}

export interface KeptChunk {
  readonly hash: Buffer;
  readonly encoding: ChunkEncoding;
  readonly data: Buffer;
}

/** The bytes are no pack, or one that was cut or changed. */
export class PackRefused extends Error {
  override readonly name = 'PackRefused';
}

export const packHead = Buffer.from('PVCLPAK1', 'latin1');
const end = Buffer.from('PVCLEND1', 'latin1');
const entryBytes = hashBytes + 4 + 4 + 1;
export const packTailBytes = 4 + 32 + end.length;
const encodings = ['plain', 'deflate'] as const satisfies readonly ChunkEncoding[];

/** Packs are read and written whole, so they stay small beside a machine's memory and one request to an object store. */
export const mostPackBytes = 32 * 1024 * 1024;
/** Tiny chunks fill a table sooner than a pack. */
export const mostPackChunks = 8192;

/** The pieces of a pack in order, and where each chunk stands in it. */
export function buildPack(chunks: readonly KeptChunk[]): { readonly pieces: readonly Buffer[]; readonly entries: readonly PackEntry[] } {
  let offset = packHead.length;
  const entries = chunks.map(({ hash, encoding, data }) => {
    const entry = { hash, offset, length: data.length, encoding };
    offset += data.length;
    return entry;
  });
  return { pieces: [packHead, ...chunks.map(({ data }) => data), encodeTable(entries)], entries };
}

function encodeTable(entries: readonly PackEntry[]): Buffer {
  const table = Buffer.alloc(entries.length * entryBytes + packTailBytes);
  let at = 0;
  for (const { hash, offset, length, encoding } of entries) {
    hash.copy(table, at);
    table.writeUInt32BE(offset, at + hashBytes);
    table.writeUInt32BE(length, at + hashBytes + 4);
    table.writeUInt8(encodings.indexOf(encoding), at + hashBytes + 8);
    at += entryBytes;
  }
  table.writeUInt32BE(entries.length, at);
  createHash('sha256').update(table.subarray(0, at + 4)).digest().copy(table, at + 4);
  end.copy(table, at + 4 + 32);
  return table;
}

/** Bytes of table and tail together, as the tail says. Throws PackRefused. */
export function packTableBytes(tail: Buffer, packBytes: number): number {
  if (tail.length < packTailBytes || !tail.subarray(-end.length).equals(end)) throw new PackRefused('it has no end of a pack');
  const bytes = tail.readUInt32BE(tail.length - packTailBytes) * entryBytes + packTailBytes;
  if (bytes > packBytes - packHead.length) throw new PackRefused('its table is longer than the pack');
  return bytes;
}

/** The entries, from the last `packTableBytes` of a pack. Their hashes are views of `table`. Throws PackRefused. */
export function parsePackTable(table: Buffer, packBytes: number): readonly PackEntry[] {
  const count = (table.length - packTailBytes) / entryBytes;
  if (packTableBytes(table, packBytes) !== table.length || !Number.isInteger(count)) throw new PackRefused('its table has another length than its tail says');
  const numberAt = table.length - packTailBytes;
  const digest = createHash('sha256').update(table.subarray(0, numberAt + 4)).digest();
  if (!digest.equals(table.subarray(numberAt + 4, numberAt + 4 + 32))) throw new PackRefused('its table was changed');
  return Array.from({ length: count }, (_, index) => {
    const at = index * entryBytes;
    const encoding = encodings[table.readUInt8(at + hashBytes + 8)];
    const entry = { hash: table.subarray(at, at + hashBytes), offset: table.readUInt32BE(at + hashBytes), length: table.readUInt32BE(at + hashBytes + 4) };
    if (encoding === undefined || entry.offset < packHead.length || entry.offset + entry.length > packBytes - table.length) throw new PackRefused(`its chunk ${index} lies outside of it`);
    return { ...entry, encoding };
  });
}
