import { deltaBlockBytes, emptyContent, hasBlock, type DeltaHead } from '@paravcl/shared/chunks/delta';
import { chunkCount, chunkHash, chunkLength, defaultChunkBytes, isZeroChunk, manifestHeadBytes, manifestOf, type Manifest, type ManifestId } from '@paravcl/shared/chunks/manifest';
import { chunksOfPart, hashBytes, unpackHashes } from '@paravcl/shared/chunks/manifest-hashes';
import { MiB } from '@paravcl/shared/domain/limits';
import { ParavclError } from '@paravcl/shared/errors';
import { createHash } from 'node:crypto';
import { rm } from 'node:fs/promises';
import type { ChunkStore } from './chunk-store';
import { DeltaFile, type DeltaRecord } from './delta-file';
import { requireRoom } from './intake-room';
import { StoreDamaged } from './manifest-shelf';
import type { WritingSession } from './writing-session';

/** What base and delta became. Its chunks and manifest are kept from every sweep until `release`: let the books name the manifest before. */
export interface TakenDelta {
  readonly manifestId: ManifestId;
  readonly contentBytes: number;
  /** Chunks that the delta changed: new ones, ones that the store had, and, of the new ones, those it had damaged. */
  readonly counted: WritingSession['counted'];
  /** Of the blocks that the delta names, those of zeros too. */
  readonly dirtiedBytes: number;
  release(): void;
}

/** Chunks that are read, hashed and kept side by side; each takes three times its bytes meanwhile. */
const atOnce = 8;

/** Makes of a base manifest and a delta against it (shared/chunks/delta) the whole manifest of the new content. */
export class DeltaIntake {
  constructor(
    private readonly store: Pick<ChunkStore, 'begin' | 'manifest' | 'readChecked' | 'directory'>,
    /** Never taken, as of an upload. */
    private readonly reserveBytes = 64 * MiB,
  ) {}

  /**
   * `base`: the manifest that the delta has to be against, or `emptyContent`. Throws `invalid-input` that says what is wrong with the delta, `store-damaged` when the
   * base cannot be read, and `storage-full`, ahead of the first chunk where that can be known; what was refused is removed. What was taken stays
   * until the books name it, for whoever is cut short before takes it again, and finds what it put.
   */
  async take(path: string, base: ManifestId): Promise<TakenDelta> {
    try {
      return await this.open(path, base);
    } catch (error) {
      const refusal = error instanceof RangeError ? new ParavclError('invalid-input', error.message, {}, { cause: error }) : error;
      if (refusal instanceof ParavclError) await rm(path, { force: true });
      throw refusal;
    }
  }

  private async open(path: string, base: ManifestId): Promise<TakenDelta> {
    const { head, delta } = await DeltaFile.open(path);
    try {
      return await this.read(delta, head, base);
    } finally {
      await delta.close();
    }
  }

  private async read(delta: DeltaFile, head: DeltaHead, base: ManifestId): Promise<TakenDelta> {
    if (head.base !== base) throw new RangeError(`The delta is against the content ${head.base}, not ${base}.`);
    const before = base === emptyContent ? null : await this.manifest(base);
    const { chunkBytes, sizeBytes } = before ?? { chunkBytes: defaultChunkBytes, sizeBytes: 0 };
    if (head.chunkBytes !== chunkBytes) throw new RangeError(`The delta has chunks of ${head.chunkBytes} bytes, its base of ${chunkBytes}.`);
    if (head.sizeBytes < sizeBytes) throw new RangeError(`The delta is of a disk of ${head.sizeBytes} bytes, its base has ${sizeBytes}: a disk does not shrink.`);
    await this.requireRoom(head, delta.bytes);
    const session = this.store.begin();
    try {
      if (before !== null) await session.hold(before).catch(sayLacking);
      const made = new NewContent(this.store, session, before, head);
      for await (const record of delta.records(head)) await made.change(record);
      const manifestId = await session.putManifest(await made.finish());
      return { manifestId, contentBytes: head.sizeBytes, counted: session.counted, dirtiedBytes: made.dirtiedBytes, release: () => session.release() };
    } catch (error) {
      session.release();
      throw error;
    }
  }

  private async manifest(id: ManifestId): Promise<Manifest> {
    const stored = await this.store.manifest(id).catch(sayDamaged);
    if (stored === null) throw new RangeError(`The delta is against the content ${id}, which the store does not have.`);
    return stored.manifest;
  }

  /** A chunk of which more than half changed is kept whole, so at worst twice what came is written. */
  private async requireRoom(head: DeltaHead, deltaBytes: number): Promise<void> {
    if (this.store.directory === null) return;
    const needs = [
      { bytes: 2 * deltaBytes, what: 'its chunks' },
      { bytes: manifestHeadBytes + chunkCount(head) * hashBytes, what: 'the list of them' },
    ];
    await requireRoom(needs.map((need) => ({ ...need, directory: this.store.directory ?? '' })), this.reserveBytes);
  }
}

/** The hashes of the new content as they become known, a few chunks at a time. */
class NewContent {
  dirtiedBytes = 0;
  private readonly hashes: Buffer;
  private readonly underWay = new Set<Promise<void>>();
  private fault: { readonly error: unknown } | null = null;
  /** The last chunk of the base when that is shorter than it is in the new content: zeros come behind it even where the delta says nothing. */
  private readonly growing: number | null;
  private hasGrown = false;

  constructor(
    private readonly store: Pick<ChunkStore, 'readChecked'>,
    private readonly session: WritingSession,
    /** Null: nothing. */
    private readonly base: Manifest | null,
    private readonly head: DeltaHead,
  ) {
    this.hashes = Buffer.alloc(chunkCount(head) * hashBytes);
    base?.parts.forEach((part, number) => unpackHashes(part, this.hashes, number * chunksOfPart * hashBytes));
    const last = base === null ? -1 : chunkCount(base) - 1;
    this.growing = base !== null && chunkLength(base, last) < chunkLength(head, last) && !isZeroChunk(base, last) ? last : null;
  }

  /** Answers when another may come. */
  async change(record: DeltaRecord): Promise<void> {
    if (record.index === this.growing) this.hasGrown = true;
    while (this.underWay.size >= atOnce) await Promise.race(this.underWay);
    this.check();
    const working = this.apply(record)
      .catch((error: unknown) => {
        this.fault ??= { error };
      })
      .finally(() => this.underWay.delete(working));
    this.underWay.add(working);
  }

  async finish(): Promise<Manifest> {
    if (this.growing !== null && !this.hasGrown) await this.change({ index: this.growing, brought: Buffer.alloc(0), emptied: Buffer.alloc(0), blocks: Buffer.alloc(0) });
    await Promise.all(this.underWay);
    this.check();
    return manifestOf(this.head, this.hashes);
  }

  private check(): void {
    if (this.fault !== null) throw this.fault.error;
  }

  private async apply(record: DeltaRecord): Promise<void> {
    const { index } = record;
    const before = await this.before(index);
    const bytes = Buffer.alloc(chunkLength(this.head, index));
    before?.bytes.copy(bytes);
    this.dirtiedBytes += applyBlocks(bytes, record);
    const entry = this.hashes.subarray(index * hashBytes, (index + 1) * hashBytes);
    if (isZero(bytes)) return void entry.fill(0);
    const hash = createHash('sha256').update(bytes).digest();
    hash.copy(entry);
    // Blocks may have been written as they were.
    if (before?.hash.equals(hash) === true) return;
    await (before === null ? this.session.put(hash, bytes) : this.session.putChanged(hash, bytes, before));
  }

  /** Null of a chunk of zeros, and of one behind the end of the base. */
  private async before(index: number): Promise<{ readonly hash: Buffer; readonly bytes: Buffer } | null> {
    if (this.base === null || index >= chunkCount(this.base) || isZeroChunk(this.base, index)) return null;
    const hash = chunkHash(this.base, index);
    const bytes = await this.store.readChecked(hash).catch(sayDamaged);
    if (bytes?.length !== chunkLength(this.base, index)) throw damaged(`Chunk ${index} of the content that was changed is missing in the store. Verify the store with repair: mirrors may have it.`);
    return { hash, bytes };
  }
}

/** Answers the bytes that were named. */
function applyBlocks(bytes: Buffer, { brought, emptied, blocks }: DeltaRecord): number {
  let [named, from] = [0, 0];
  for (let block = 0; block * deltaBlockBytes < bytes.length; block += 1) {
    const target = bytes.subarray(block * deltaBlockBytes, (block + 1) * deltaBlockBytes);
    if (hasBlock(emptied, block)) target.fill(0);
    else if (hasBlock(brought, block)) from += blocks.copy(target, 0, from, from + target.length);
    else continue;
    named += target.length;
  }
  return named;
}

function isZero(bytes: Buffer): boolean {
  return bytes[0] === 0 && bytes.subarray(1).equals(bytes.subarray(0, -1));
}

function damaged(sentence: string, cause?: unknown): ParavclError {
  return new ParavclError('store-damaged', sentence, {}, { cause });
}

function sayDamaged(error: unknown): never {
  throw error instanceof StoreDamaged ? damaged(error.message, error) : error;
}

function sayLacking(error: unknown): never {
  throw error instanceof RangeError ? damaged(`${error.message} Verify the store with repair: mirrors may have it.`, error) : error;
}
