import { chunkCount, chunkHash, isZeroChunk, type Manifest, type ManifestId } from '@paravcl/shared/chunks/manifest';
import { setImmediate as turnOfTheLoop } from 'node:timers/promises';
import { decodeChunk, encodeChunk } from './chunk-encoding';
import type { ChunkIndex } from './chunk-index';
import type { ManifestShelf } from './manifest-shelf';
import { mostPackBytes, mostPackChunks, type KeptChunk } from './pack-format';
import type { PackShelf } from './pack-shelf';
import type { SuspectChunks } from './suspect-chunks';
import type { Turns } from './turns';

/** Hashes looked up in one go. */
const lookUpsAtOnce = 4096;

/**
 * A writer's hold on the store: what it put or merely met, and its manifests, stay until `release`, whatever a sweep
 * finds. After a fault (no room) everything it is asked throws that fault: give it up and begin another.
 */
export class WritingSession {
  private readonly turn: number;
  private filling: KeptChunk[] = [];
  private filled = 0;
  /** Hashes of what was put here and is on its way into a pack. */
  private readonly underWay = new Set<string>();
  private readonly encoding = new Set<Promise<void>>();
  private writing: Promise<void> = Promise.resolve();
  private fault: { readonly error: unknown } | null = null;
  /** Chunks put that were new, that were there, and, of the new ones, that were there and had rotted. */
  readonly counted = { stored: 0, met: 0, mended: 0 };

  constructor(
    private readonly packs: PackShelf,
    private readonly index: ChunkIndex,
    private readonly manifests: ManifestShelf,
    private readonly turns: Turns,
    private readonly suspects: SuspectChunks,
    private readonly readsWhatItMeets: boolean,
  ) {
    this.turn = turns.hold();
  }

  /** Keeps these bytes, whose SHA-256 is `hash`, unless they are there as they were; both buffers may be used again once it answers. Durable and found after `flush`. */
  async put(hash: Buffer, bytes: Buffer): Promise<void> {
    this.check();
    const name = hash.toString('latin1');
    // Another caller may have put it while this one read.
    if (this.underWay.has(name) || (await this.isThere(hash, bytes)) || this.underWay.has(name)) {
      this.counted.met += 1;
      return;
    }
    this.underWay.add(name);
    this.counted.stored += 1;
    const encoding = this.encode(Buffer.from(hash), bytes);
    this.encoding.add(encoding);
    await encoding.finally(() => this.encoding.delete(encoding));
    if (this.filled >= mostPackBytes || this.filling.length >= mostPackChunks) await this.seal();
  }

  /** Everything that was put is durable and found. Throws `storage-full`. */
  async flush(): Promise<void> {
    await Promise.all(this.encoding);
    await this.seal();
    await this.writing;
    this.check();
  }

  /** Flushes and keeps the manifest, durably. Throws a RangeError when one of its chunks is not there. */
  async putManifest(manifest: Manifest): Promise<ManifestId> {
    await this.flush();
    const chunks = chunkCount(manifest);
    for (let index = 0; index < chunks; index += 1) {
      if (!isZeroChunk(manifest, index) && !this.index.meet(chunkHash(manifest, index), this.turn)) throw new RangeError(`Chunk ${index} of the manifest is not in the store.`);
      if (index % lookUpsAtOnce === lookUpsAtOnce - 1) await turnOfTheLoop();
    }
    return this.manifests.put(manifest, this.turn);
  }

  /** Call it once the books name the manifest, or once it is given up. */
  release(): void {
    this.turns.release(this.turn);
    this.fault ??= { error: new Error('This writing session was released.') };
  }

  /** Read, where that is a disk of ours: who uploads an image anew may do so because the one in the store has rotted. */
  private async isThere(hash: Buffer, bytes: Buffer): Promise<boolean> {
    const isSuspect = this.suspects.has(hash);
    if (!this.index.meet(hash, this.turn)) return false;
    if (!isSuspect && !this.readsWhatItMeets) return true;
    if (!isSuspect && (await this.isKept(hash, bytes))) return true;
    this.suspects.suspect(hash);
    this.counted.mended += 1;
    return false;
  }

  private async isKept(hash: Buffer, bytes: Buffer): Promise<boolean> {
    try {
      const stored = await this.packs.read(hash);
      return stored !== null && (await decodeChunk(stored)).equals(bytes);
    } catch {
      // Whatever it is: one that is stored once more costs its bytes.
      return false;
    }
  }

  private async encode(hash: Buffer, bytes: Buffer): Promise<void> {
    try {
      const chunk = { hash, ...(await encodeChunk(bytes)) };
      this.filling.push(chunk);
      this.filled += chunk.data.length;
    } catch (error) {
      // Else it would pass for one that is under way.
      this.fault ??= { error };
      throw error;
    }
  }

  /** Sends what was gathered on its way; one pack is written at a time, while the next one fills. */
  private async seal(): Promise<void> {
    const chunks = this.filling;
    if (chunks.length === 0) return;
    this.filling = [];
    this.filled = 0;
    const before = this.writing;
    this.writing = before.then(() => this.write(chunks));
    await before;
    this.check();
  }

  private async write(chunks: readonly KeptChunk[]): Promise<void> {
    if (this.fault !== null) return;
    try {
      await this.packs.write(chunks, this.turn);
      for (const { hash } of chunks) {
        this.suspects.acquit(hash);
        this.underWay.delete(hash.toString('latin1'));
      }
    } catch (error) {
      this.fault = { error };
    }
  }

  private check(): void {
    if (this.fault !== null) throw this.fault.error;
  }
}
