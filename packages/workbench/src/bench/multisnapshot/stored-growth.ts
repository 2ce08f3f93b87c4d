import { deltaBlockBytes, type DeltaHead } from '@paravcl/shared/chunks/delta';
import { defaultChunkBytes } from '@paravcl/shared/chunks/manifest';
import { createCipheriv, createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { z } from 'zod';
import { deltaBytes, type WrittenBlock } from './delta-bytes';

/** A store of chunks as the master has one, and what it does with the deltas of hosts. */
export interface SnapshotKeeper {
  /** Keeps a disk whose chunks have these bytes, null for zeros, and answers its manifest. */
  keepDisk(sizeBytes: number, chunkBytes: number, chunks: Iterable<Buffer | null>): Promise<string>;
  /** Takes a delta that lies in this file; the content is named for good when this answers. */
  keepDelta(path: string, base: string): Promise<string>;
  /** Bytes that its objects take on their file system, as `du` counts them. */
  takenBytes(): Promise<number>;
}

export const storedGrowthWishSchema = z
  .object({
    diskBytes: z.int().positive(),
    /** Of 4 KiB, at random places; each is counted, also one that hits a block again. */
    writes: z.int().positive(),
    clones: z.int().positive(),
    /** Blocks that each clone writes for itself besides, as guests do with names, keys and logs: without them all clones would be one content. */
    ownWrites: z.int().nonnegative(),
    /** Where deltas are staged. */
    directory: z.string(),
  })
  .readonly();
export type StoredGrowthWish = z.infer<typeof storedGrowthWishSchema>;

export const storedGrowthSchema = z
  .object({
    /** Growth of the store, manifest included, by the snapshot of one disk, over the bytes that were written. */
    storedPerDirtied: z.number(),
    /** The same of all clones together, over what they wrote together. */
    clonesStoredPerDirtied: z.number(),
    dirtiedBytes: z.number(),
    takeSeconds: z.array(z.number()).readonly(),
  })
  .readonly();
export type StoredGrowth = z.infer<typeof storedGrowthSchema>;

/** The size at which the bench takes its figures. */
export const fullGrowth = { diskBytes: 10 * 1024 ** 3, writes: 20_000, clones: 16, ownWrites: 16 } as const;

const blocksOfChunk = defaultChunkBytes / deltaBlockBytes;

/**
 * How much a store grows by snapshots of a disk on which every chunk has content. What is written cannot be deflated, nor can the chunks that it
 * is written to, so a whole one would cost all its bytes; chunks that nobody writes to are text, which makes the disk cheap to load and
 * changes no figure: of them only the manifest tells, and its length does not depend on what they hold.
 */
export async function measureStoredGrowth(store: SnapshotKeeper, { diskBytes, writes, clones, ownWrites, directory }: StoredGrowthWish, say: (line: string) => void = () => undefined): Promise<StoredGrowth> {
  const shared = scattered('shared', writes, diskBytes);
  const own = Array.from({ length: clones }, (_, clone) => scattered(`clone ${clone}`, ownWrites, diskBytes));
  const touched = new Set([...shared, ...own.flat()].map((block) => Math.floor(block / blocksOfChunk)));
  say(`a disk of ${(diskBytes / 1024 ** 3).toFixed(1)} GiB with content in every chunk is put into the store`);
  const base = await store.keepDisk(diskBytes, defaultChunkBytes, diskContent(diskBytes / defaultChunkBytes, touched));
  const head: DeltaHead = { chunkBytes: defaultChunkBytes, sizeBytes: diskBytes, base };
  const takeSeconds: number[] = [];
  const growth = async (deltas: readonly (readonly WrittenBlock[])[]): Promise<number> => {
    const before = await store.takenBytes();
    for (const written of deltas) {
      const path = join(directory, 'growth.delta');
      await pipeline(Readable.from(deltaBytes(head, written)), createWriteStream(path));
      const begun = performance.now();
      await store.keepDelta(path, base);
      takeSeconds.push((performance.now() - begun) / 1000);
      say(`delta ${String(takeSeconds.length)} of ${String(clones + 1)} taken in ${(takeSeconds.at(-1) ?? 0).toFixed(1)} s`);
    }
    return (await store.takenBytes()) - before;
  };
  // Of the one disk other bytes than of the clones, at the same places.
  const alone = await growth([blocksWritten(shared, 'alone')]);
  const together = await growth(own.map((places, clone) => merged(blocksWritten(shared, 'shared'), blocksWritten(places, `clone ${clone}`))));
  const dirtiedBytes = writes * deltaBlockBytes;
  return {
    storedPerDirtied: alone / dirtiedBytes,
    clonesStoredPerDirtied: together / (clones * (writes + ownWrites) * deltaBlockBytes),
    dirtiedBytes,
    takeSeconds,
  };
}

function* diskContent(chunks: number, touched: ReadonlySet<number>): Generator<Buffer> {
  for (let index = 0; index < chunks; index += 1) {
    yield touched.has(index) ? noise(`chunk ${index}`, defaultChunkBytes) : Buffer.alloc(defaultChunkBytes, `what nobody writes to, chunk ${index}\n`);
  }
}

/** Numbers of blocks, as random as their seed's hash. */
function scattered(seed: string, count: number, diskBytes: number): readonly number[] {
  const bytes = noise(seed, count * 6);
  return Array.from({ length: count }, (_, at) => bytes.readUIntBE(at * 6, 6) % (diskBytes / deltaBlockBytes));
}

/** In order, each block once. */
function blocksWritten(blocks: readonly number[], seed: string): readonly WrittenBlock[] {
  return [...new Set(blocks)].sort((a, b) => a - b).map((block) => ({ block, bytes: noise(`${seed} ${block}`, deltaBlockBytes) }));
}

function merged(one: readonly WrittenBlock[], over: readonly WrittenBlock[]): readonly WrittenBlock[] {
  return [...new Map([...one, ...over].map((written) => [written.block, written])).values()].sort((a, b) => a.block - b.block);
}

/** Bytes that cannot be deflated, always the same of one seed: AES in counter mode is faster than any generator in JavaScript. */
function noise(seed: string, length: number): Buffer {
  const key = createHash('sha256').update(seed).digest();
  return createCipheriv('aes-256-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(length));
}
