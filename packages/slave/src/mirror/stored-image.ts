import type { Clock, EpochMs } from '@paravcl/shared/clock';
import { sleep } from '@paravcl/shared/clock';
import { chunkCount, chunkHash, chunkLength, type Manifest, type ManifestId } from '@paravcl/shared/chunks/manifest';
import type { ImageHolding } from '@paravcl/shared/chunks/mirror-messages';
import type { ChunkFile } from './chunk-file';
import { ChunkUnavailable, type ChunkSource, type KnownImage } from './chunk-source';
import type { LocalImage } from './local-image';
import type { PoolRoom } from './pool-room';
import type { RecentChunks } from './recent-chunks';

export interface StoredImageParts {
  readonly clock: Clock;
  readonly source: ChunkSource;
  readonly room: PoolRoom;
  readonly recent: RecentChunks;
  /** The same chunk in another image of this host; null when none has it. */
  elsewhere(image: KnownImage, index: number): Promise<Buffer | null>;
  onChange(): void;
  onFault(error: unknown): void;
}

/** A guest's read waits so long in all for a chunk that nobody can give, then it fails and the guest is paused. */
const readWithinMs = 25_000;
const askAgainMs = 500;
/** Chunks of one read that are fetched at the same time. */
const partsAtOnce = 16;
/** Bytes that were answered and are not yet on the disk; above it a chunk is answered when it is kept. */
const mostUnkept = 64 * 1024 * 1024;

interface Transfer {
  urgent: boolean;
  /** The source is being asked: it can be told that somebody waits. */
  asking: boolean;
  bytes: Promise<Buffer>;
  /** After `bytes`: written, or given up. */
  kept: Promise<void>;
}

/** One image of this host: reads what is here, brings what is not. */
export class StoredImage implements LocalImage {
  private readonly transfers = new Map<number, Transfer>();
  private readers = 0;
  private unkept = 0;
  /** When it was last asked for, by the wall clock. */
  usedAt: EpochMs;

  constructor(
    readonly id: ManifestId,
    readonly manifest: Manifest,
    private readonly file: ChunkFile,
    private readonly parts: StoredImageParts,
    usedAt: EpochMs,
  ) {
    this.usedAt = usedAt;
  }

  get path(): string {
    return this.file.path;
  }

  get storedBytes(): number {
    return this.file.storedBytes;
  }

  get isComplete(): boolean {
    return this.file.isComplete;
  }

  /** Every chunk is here, perhaps still to be hashed again: it needs no room to become complete. */
  get isFull(): boolean {
    return this.file.isFull;
  }

  /** Whether what is here must be hashed before it may be served. */
  get isChecked(): boolean {
    return this.file.isTrusted;
  }

  /** Since when every chunk that was here then was hashed; null when nobody knows. */
  get checkedAt(): EpochMs | null {
    return this.file.checkedAt;
  }

  /** Found damaged here since the mirror started, and brought again or not. */
  get damagedChunks(): number {
    return this.file.damagedChunks;
  }

  /** Of the damaged ones those that were not brought again yet: who reads the plain file finds wrong bytes there. */
  get damagedIndexes(): readonly number[] {
    return this.file.damagedIndexes;
  }

  /** Chunks are on their way: somebody waits for them, or they are brought ahead. */
  get isBringing(): boolean {
    return this.transfers.size > 0;
  }

  /** Guests and tools that read it now. */
  get readerCount(): number {
    return this.readers;
  }

  get isBusy(): boolean {
    return this.readers > 0 || this.isBringing;
  }

  /** A reader came; call the answer, once, when it went. Nothing removes the image meanwhile. */
  hold(): () => void {
    this.readers += 1;
    this.usedAt = this.parts.clock.now();
    let holds = true;
    return () => {
      if (holds) this.readers -= 1;
      holds = false;
      this.usedAt = this.parts.clock.now();
    };
  }

  has(index: number): boolean {
    return this.file.has(index);
  }

  isZero(index: number): boolean {
    return this.file.isZero(index);
  }

  present(): Buffer {
    return this.file.copyOfBits();
  }

  holding(bootSet: readonly number[]): ImageHolding {
    const totalChunks = chunkCount(this.manifest);
    const boot = bootSet.filter((index) => index < totalChunks);
    return {
      manifest: this.id,
      presentChunks: this.file.presentChunks,
      totalChunks,
      presentBootChunks: boot.filter((index) => this.file.has(index)).length,
      totalBootChunks: boot.length,
      complete: this.file.isComplete,
    };
  }

  /** Puts the bytes into `target` when all of them are here and believed. Blocks while the disk is asked; false otherwise. */
  readHere(target: Buffer, at: number, offset: number, length: number): boolean {
    const { chunkBytes } = this.manifest;
    if (!this.file.believes(Math.floor(offset / chunkBytes), Math.floor((offset + length - 1) / chunkBytes))) return false;
    try {
      return this.file.readSync(target, at, length, offset);
    } catch {
      // A sector that cannot be read: by chunks it is found out which, and fetched again.
      return false;
    }
  }

  async read(offset: number, length: number): Promise<Buffer> {
    if (offset < 0 || length < 1 || offset + length > this.manifest.sizeBytes) throw new RangeError(`Image ${this.id.slice(0, 12)} has no ${length} bytes at ${offset}.`);
    const { chunkBytes } = this.manifest;
    const target = Buffer.allocUnsafe(length);
    const [first, last] = [Math.floor(offset / chunkBytes), Math.floor((offset + length - 1) / chunkBytes)];
    if (this.file.believes(first, last) && (await this.file.read(target, 0, length, offset).catch(() => false))) return target;
    const deadlineMs = this.parts.clock.monotonicMs() + readWithinMs;
    let next = first;
    let failed = false;
    const bringParts = async (): Promise<void> => {
      while (next <= last && !failed) {
        const index = next++;
        try {
          const chunk = await this.awaited(index, deadlineMs);
          const [from, to] = [Math.max(offset, index * chunkBytes), Math.min(offset + length, (index + 1) * chunkBytes)];
          chunk.copy(target, from - offset, from - index * chunkBytes, to - index * chunkBytes);
        } catch (error) {
          failed = true;
          throw error;
        }
      }
    };
    await Promise.all(Array.from({ length: Math.min(partsAtOnce, last - first + 1) }, bringParts));
    return target;
  }

  async held(index: number): Promise<Buffer | null> {
    if (index >= chunkCount(this.manifest)) return null;
    return this.parts.recent.get(this.id, index) ?? this.file.readHashed(index);
  }

  async obtain(index: number, urgent: boolean): Promise<Buffer> {
    if (index < 0 || index >= chunkCount(this.manifest)) throw new RangeError(`Image ${this.id.slice(0, 12)} has no chunk ${index}.`);
    const transfer = this.transfers.get(index) ?? this.begin(index, urgent);
    if (urgent && !transfer.urgent) {
      transfer.urgent = true;
      // Shares the transfer that is under way and raises it; its failure is told by `bytes`.
      if (transfer.asking) this.parts.source.fetch(this, index, true).catch(() => undefined);
    }
    const bytes = await transfer.bytes;
    if (!urgent || this.unkept > mostUnkept) await transfer.kept;
    return bytes;
  }

  /** Hashes a chunk that is here and not yet believed. */
  async check(index: number): Promise<void> {
    if (this.file.has(index) && !this.file.believes(index, index)) await this.file.readChunk(index);
  }

  /** Hashes a chunk that is here, though it is believed. */
  async recheck(index: number): Promise<void> {
    await this.file.recheck(index);
  }

  /** Every chunk was hashed again and none was found damaged. */
  noteChecked(): Promise<void> {
    return this.file.noteChecked();
  }

  /** Believes what is here when all of it was hashed. */
  believeAll(): Promise<void> {
    return this.file.believeAll();
  }

  /** Whether a chunk that is here is still to be hashed. */
  isUnchecked(index: number): boolean {
    return this.file.has(index) && !this.file.believes(index, index);
  }

  flush(): Promise<void> {
    return this.file.flush();
  }

  close(): Promise<void> {
    return this.file.close();
  }

  /** Its files are about to be removed. */
  abandon(): Promise<void> {
    return this.file.abandon();
  }

  private begin(index: number, urgent: boolean): Transfer {
    const nothingYet: Pick<Transfer, 'bytes' | 'kept'> = { bytes: Promise.resolve(Buffer.alloc(0)), kept: Promise.resolve() };
    const transfer: Transfer = { urgent, asking: false, ...nothingYet };
    const brought = this.bring(index, transfer);
    transfer.bytes = brought.then(({ chunk }) => chunk);
    transfer.kept = brought
      .then(({ chunk, isNew }) => (isNew ? this.keep(index, chunk) : undefined))
      .catch((error: unknown) => {
        if (!(error instanceof ChunkUnavailable)) this.parts.onFault(error);
      })
      .finally(() => this.transfers.delete(index));
    this.transfers.set(index, transfer);
    return transfer;
  }

  private async bring(index: number, transfer: Transfer): Promise<{ readonly chunk: Buffer; readonly isNew: boolean }> {
    const recent = this.parts.recent.get(this.id, index);
    // Where there was no room it is not on the disk yet.
    if (recent !== null) return { chunk: recent, isNew: !this.file.has(index) };
    const here = await this.file.readChunk(index);
    if (here !== null) return { chunk: here, isNew: false };
    const elsewhere = await this.parts.elsewhere(this, index);
    if (elsewhere !== null) return { chunk: elsewhere, isNew: true };
    this.parts.source.opened(this);
    transfer.asking = true;
    try {
      const chunk = await this.parts.source.fetch(this, index, transfer.urgent);
      this.parts.recent.put(this.id, index, chunk);
      return { chunk, isNew: true };
    } finally {
      transfer.asking = false;
    }
  }

  /** Throws what the disk says unless it is full: the bytes are right whether they are kept or not. */
  private async keep(index: number, chunk: Buffer): Promise<void> {
    this.unkept += chunk.length;
    try {
      const write = (): Promise<void> => this.file.keep(index, chunk);
      // In the place of a damaged one it needs no room.
      if (this.file.isDamaged(index)) await write();
      else if (!(await this.parts.room.keep(chunk.length, write))) return;
      this.parts.onChange();
    } finally {
      this.unkept -= chunk.length;
    }
  }

  /** The chunk for a reader who waits: asked for again until the deadline. */
  private async awaited(index: number, deadlineMs: number): Promise<Buffer> {
    const { clock } = this.parts;
    for (;;) {
      try {
        return await this.before(deadlineMs, index, this.obtain(index, true));
      } catch (error) {
        if (!(error instanceof ChunkUnavailable) || clock.monotonicMs() + askAgainMs >= deadlineMs) throw error;
        await sleep(clock, askAgainMs);
      }
    }
  }

  private before(deadlineMs: number, index: number, chunk: Promise<Buffer>): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      const cancel = this.parts.clock.after(deadlineMs - this.parts.clock.monotonicMs(), () => {
        reject(new ChunkUnavailable(`Chunk ${index} of image ${this.id.slice(0, 12)} did not come within ${readWithinMs / 1000} s.`));
      });
      chunk.then(resolve, reject).finally(cancel);
    });
  }
}

/** Whether chunk `index` of the other image has the same bytes. */
export function sharesChunk(one: KnownImage, other: KnownImage, index: number): boolean {
  return (
    one.manifest.chunkBytes === other.manifest.chunkBytes &&
    index < chunkCount(other.manifest) &&
    chunkLength(one.manifest, index) === chunkLength(other.manifest, index) &&
    chunkHash(one.manifest, index).equals(chunkHash(other.manifest, index))
  );
}
