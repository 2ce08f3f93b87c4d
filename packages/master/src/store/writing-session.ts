import { chunkCount, chunkHash, isZeroChunk, type Manifest, type ManifestId } from '@paravcl/shared/chunks/manifest';
import { createHash } from 'node:crypto';
import { setImmediate as turnOfTheLoop } from 'node:timers/promises';
import { encodeDelta } from './chunk-delta';
import { decodeChunk, encodeChunk } from './chunk-encoding';
import type { ManifestShelf } from './manifest-shelf';
import { mostPackBytes, mostPackChunks, type DeltaChunk, type KeptChunk } from './pack-format';
import type { PackShelf } from './pack-shelf';
import type { SuspectChunks } from './suspect-chunks';
import type { Turns } from './turns';

/** Hashes looked up in one go. */
const lookUpsAtOnce = 4096;
/** A difference of no more than this part of a chunk is kept as one whatever the chunk deflates to: reading two for one costs less than that. */
const surelyLess = 1 / 8;
/** Of what the whole chunk would take. */
const clearlyLess = 3 / 4;

export interface KnownChunk {
  readonly hash: Buffer;
  readonly bytes: Buffer;
}

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
    private readonly manifests: ManifestShelf,
    private readonly turns: Turns,
    private readonly suspects: SuspectChunks,
    private readonly readsWhatItMeets: boolean,
  ) {
    this.turn = turns.hold();
  }

  /** Keeps these bytes, whose SHA-256 is `hash`, unless they are there as they were; both buffers may be used again once it answers. Durable and found after `flush`. */
  put(hash: Buffer, bytes: Buffer): Promise<void> {
    return this.keep(hash, bytes, null);
  }

  /** As `put`, of a chunk that was `before` and has changed: only what differs is kept, when that is clearly less. `before.bytes` are those of its hash. */
  putChanged(hash: Buffer, bytes: Buffer, before: KnownChunk): Promise<void> {
    return this.keep(hash, bytes, before);
  }

  /** From here on no sweep takes a chunk of this manifest. Throws a RangeError when one of them is not there. */
  async hold(manifest: Manifest): Promise<void> {
    this.check();
    const chunks = chunkCount(manifest);
    for (let index = 0; index < chunks; index += 1) {
      if (!isZeroChunk(manifest, index) && !this.packs.meet(chunkHash(manifest, index), this.turn)) throw new RangeError(`Chunk ${index} of the manifest is not in the store.`);
      if (index % lookUpsAtOnce === lookUpsAtOnce - 1) await turnOfTheLoop();
    }
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
    await this.hold(manifest);
    return this.manifests.put(manifest, this.turn);
  }

  /** Call it once the books name the manifest, or once it is given up. */
  release(): void {
    this.turns.release(this.turn);
    this.fault ??= { error: new Error('This writing session was released.') };
  }

  private async keep(hash: Buffer, bytes: Buffer, before: KnownChunk | null): Promise<void> {
    this.check();
    const name = hash.toString('latin1');
    const found = this.underWay.has(name) ? 'there' : await this.meet(hash, bytes);
    // Another caller may have put it while this one read.
    if (found === 'there' || this.underWay.has(name)) {
      this.counted.met += 1;
      return;
    }
    this.underWay.add(name);
    this.counted.stored += 1;
    // In the place of one that has rotted stands a whole one: others may be differences to it.
    const encoding = this.encode(Buffer.from(hash), bytes, found === 'absent' ? before : null);
    this.encoding.add(encoding);
    await encoding.finally(() => this.encoding.delete(encoding));
    if (this.filled >= mostPackBytes || this.filling.length >= mostPackChunks) await this.seal();
  }

  /** Read, where that is a disk of ours: who uploads an image anew may do so because the one in the store has rotted. */
  private async meet(hash: Buffer, bytes: Buffer): Promise<'there' | 'absent' | 'rotten'> {
    const base = this.packs.baseOf(hash);
    const isSuspect = this.suspects.has(hash) || (base !== null && this.suspects.has(base));
    if (!this.packs.meet(hash, this.turn)) return 'absent';
    if (!isSuspect && (!this.readsWhatItMeets || (await this.isKept(hash, bytes)))) return 'there';
    this.suspects.suspect(hash);
    this.counted.mended += 1;
    return 'rotten';
  }

  private async isKept(hash: Buffer, bytes: Buffer): Promise<boolean> {
    return (await this.readKept(hash))?.equals(bytes) ?? false;
  }

  private async readKept(hash: Buffer): Promise<Buffer | null> {
    try {
      const stored = await this.packs.read(hash);
      return stored === null ? null : await decodeChunk(stored);
    } catch {
      // Whatever it is: one that is stored once more costs its bytes.
      return null;
    }
  }

  private async encode(hash: Buffer, bytes: Buffer, before: KnownChunk | null): Promise<void> {
    try {
      const chunk = await this.encoded(hash, bytes, before);
      this.filling.push(chunk);
      this.filled += chunk.data.length;
    } catch (error) {
      // Else it would pass for one that is under way.
      this.fault ??= { error };
      throw error;
    }
  }

  private async encoded(hash: Buffer, bytes: Buffer, before: KnownChunk | null): Promise<KeptChunk> {
    const base = before === null ? null : await this.baseFor(before);
    const data = base === null ? null : await encodeDelta(base.bytes, bytes);
    const delta: DeltaChunk | null = base === null || data === null ? null : { hash, encoding: 'delta', data, base: base.hash };
    if (delta !== null && delta.data.length <= bytes.length * surelyLess) return delta;
    const whole = { hash, ...(await encodeChunk(bytes)) };
    return delta !== null && delta.data.length <= whole.data.length * clearlyLess ? delta : whole;
  }

  /** The chunk itself, or the one that it is a difference to: a base is always whole. Held like what is put; null when it cannot be a base. */
  private async baseFor(before: KnownChunk): Promise<KnownChunk | null> {
    const found = this.packs.baseOf(before.hash);
    const hash = Buffer.from(found ?? before.hash);
    if (this.suspects.has(hash) || !this.packs.meet(hash, this.turn)) return null;
    if (found === null) return { hash, bytes: before.bytes };
    const bytes = await this.readKept(hash);
    if (bytes === null) return null;
    if (createHash('sha256').update(bytes).digest().equals(hash)) return { hash, bytes };
    this.suspects.suspect(hash);
    return null;
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
