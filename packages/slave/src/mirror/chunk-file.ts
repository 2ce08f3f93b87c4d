import { hash } from 'node:crypto';
import { join } from 'node:path';
import type { Clock, EpochMs } from '@paravcl/shared/clock';
import { chunkCount, chunkHash, chunkLength, isZeroChunk } from '@paravcl/shared/chunks/manifest';
import { Bitmap } from './bitmap';
import type { KnownImage } from './chunk-source';
import type { FileLayer, OpenFile } from './file-layer';
import { TrustRecord } from './trust-record';

export interface ChunkFileOptions {
  readonly files: FileLayer;
  /** Of this image alone; it is there. */
  readonly directory: string;
  readonly image: KnownImage;
  /** /proc/sys/kernel/random/boot_id */
  readonly bootId: string;
  readonly clock: Clock;
  /** Told of what stops nothing: a chunk that rotted, a disk that does not sync. */
  readonly onFault: (error: unknown) => void;
  /** Told when less is here than was, or when what is here is believed again, or no longer. */
  readonly onChange: () => void;
}

/** Chunks that were kept may wait so long for their bit on the disk; a crash costs fetching these again. */
const syncEveryMs = 1000;
const syncAgainMs = 5000;
/** Bits are written in blocks of this many bytes. */
const blockBytes = 4096;

const names = { data: 'data', present: 'present' } as const;

export function sha256(bytes: Buffer): Buffer {
  return hash('sha256', bytes, 'buffer');
}

/**
 * The chunks of one image that are on this host: a sparse file with the bytes, and a bit for each chunk.
 *
 * Invariant: a bit is written only after the bytes of its chunk were synced. So a killed mirror finds every bit true.
 *
 * Invariant: after a loss of power no bit is believed before its chunk was hashed: disks reorder and lie. `state.json`
 * names the boot of the host under which all bits are true; under another boot they are, only if the mirror ended in order
 * before. It is renewed when the last bit was checked, and missing it means that nothing is believed.
 *
 * Invariant: when a chunk that was believed is found damaged, the disk rots, and no other chunk is believed either before
 * it was hashed again: `believed` is emptied in the same turn, and `state.json` goes. Its writes and removals come one after
 * the other, and each is for the belief of that moment.
 *
 * Chunks of zeros are holes: they count as there from the beginning.
 */
export class ChunkFile {
  private readonly zeros: Bitmap;
  private readonly dirtyBlocks = new Set<number>();
  /** Kept since the bytes were last synced. */
  private unsynced: number[] = [];
  private failedSyncs = 0;
  private flushing: Promise<void> = Promise.resolve();
  private timed = false;
  private closed = false;
  private storedChunks: number;
  private readonly damaged = new Set<number>();
  /** Found damaged since this was opened. */
  damagedChunks = 0;

  private constructor(
    private readonly options: ChunkFileOptions,
    private readonly data: OpenFile,
    private readonly bits: OpenFile,
    private readonly present: Bitmap,
    /** Those of `present` that were hashed, here or when they came; `present` itself when all are to be believed. */
    private believed: Bitmap,
    private readonly record: TrustRecord,
  ) {
    this.zeros = zeroChunks(options.image);
    this.storedChunks = present.count - this.zeros.count;
  }

  static async open(options: ChunkFileOptions): Promise<ChunkFile> {
    const { files, directory, image } = options;
    const [opened, openedBits, recorded] = await Promise.allSettled([files.open(join(directory, names.data)), files.open(join(directory, names.present)), TrustRecord.read(options)]);
    if (opened.status === 'rejected' || openedBits.status === 'rejected' || recorded.status === 'rejected') {
      for (const one of [opened, openedBits]) if (one.status === 'fulfilled') await one.value.close();
      throw [opened, openedBits, recorded].find((one) => one.status === 'rejected')?.reason;
    }
    const [data, bits, record] = [opened.value, openedBits.value, recorded.value];
    try {
      const total = chunkCount(image.manifest);
      const [present, zeros] = [await readBits(bits, total), zeroChunks(image)];
      const size = await data.size();
      const isWhole = size === image.manifest.sizeBytes;
      if (!isWhole) await data.resize(image.manifest.sizeBytes);
      for (let index = 0; index < total; index += 1) if (zeros.has(index)) present.add(index);
      const isNew = size === 0 && present.count === zeros.count;
      if (isNew) {
        await bits.write(present.copy(), 0);
        await Promise.all([data.sync(), bits.sync(), files.syncDirectory(directory)]);
      }
      if (isNew) record.checkedAt = options.clock.now();
      const file = new ChunkFile(options, data, bits, present, isNew || (isWhole && record.trusts) ? present : new Bitmap(total), record);
      await file.begin();
      return file;
    } catch (error) {
      await Promise.allSettled([data.close(), bits.close()]);
      throw error;
    }
  }

  /** Absolute path of the bytes; a plain raw file once it is complete. */
  get path(): string {
    return join(this.options.directory, names.data);
  }

  get presentChunks(): number {
    return this.present.count;
  }

  /** Bytes on the disk. */
  get storedBytes(): number {
    return this.storedChunks * this.options.image.manifest.chunkBytes;
  }

  /** Whether every chunk that is here may be believed. */
  get isTrusted(): boolean {
    return this.believed === this.present;
  }

  /** Every byte is here and true: the file is a plain raw file. */
  get isComplete(): boolean {
    return this.isTrusted && this.present.isFull;
  }

  /** Every chunk is here, perhaps not yet hashed again. */
  get isFull(): boolean {
    return this.present.isFull;
  }

  /** Since when every chunk that was here then was hashed; null when nobody knows. */
  get checkedAt(): EpochMs | null {
    return this.record.checkedAt;
  }

  /** Chunks that were damaged here and are still to be brought again. */
  get damagedIndexes(): readonly number[] {
    return [...this.damaged];
  }

  isDamaged(index: number): boolean {
    return this.damaged.has(index);
  }

  has(index: number): boolean {
    return this.present.has(index);
  }

  isZero(index: number): boolean {
    return this.zeros.has(index);
  }

  /** Every one from `first` to `last` is here and true. */
  believes(first: number, last: number): boolean {
    return !this.closed && this.believed.hasAll(first, last);
  }

  copyOfBits(): Buffer {
    return this.present.copy();
  }

  /** From chunks that are believed. Blocks while the disk is asked; false when it did not give them all. */
  readSync(target: Buffer, at: number, length: number, position: number): boolean {
    return !this.closed && this.data.readSync(target, at, length, position) === length;
  }

  async read(target: Buffer, at: number, length: number, position: number): Promise<boolean> {
    return !this.closed && (await this.data.read(target, at, length, position)) === length;
  }

  /** The chunk, from here and believed; null when it is missing, or was found damaged, which makes it missing. */
  async readChunk(index: number): Promise<Buffer | null> {
    if (!this.zeros.has(index)) return this.readStored(index, false);
    if (!this.closed && !this.believed.has(index)) await this.checkHole(index);
    return Buffer.alloc(chunkLength(this.options.image.manifest, index));
  }

  /** As `readChunk`, and hashed now though it is believed: disks rot, and others would get it. */
  async readHashed(index: number): Promise<Buffer | null> {
    return this.zeros.has(index) ? this.readChunk(index) : this.readStored(index, true);
  }

  /** Looks whether what is on the disk is still right, though it is believed. */
  async recheck(index: number): Promise<void> {
    if (this.closed) return;
    await (this.zeros.has(index) ? this.checkHole(index) : this.readStored(index, true));
  }

  /** Keeps bytes whose hash was checked. Throws what the disk says, ENOSPC for one; then it is not kept, nor when a sync fails meanwhile. */
  async keep(index: number, bytes: Buffer): Promise<void> {
    if (this.closed || this.believed.has(index) || !(await this.written(index, bytes))) return;
    if (this.present.add(index)) this.storedChunks += 1;
    this.damaged.delete(index);
    this.believed.add(index);
    this.unsynced.push(index);
    this.changed(index);
  }

  /** Everything that was kept before the call outlives a loss of power when it returns. Throws what the disk says. */
  flush(): Promise<void> {
    // The last one is that of `close`: after it the files may be closed, and their numbers be those of others.
    return this.closed ? this.flushing : this.flushInTurn();
  }

  /** Ends in order: what is here is believed under the next boot of the host too, unless it is not even now. */
  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    try {
      await this.flushInTurn();
      await this.record.inTurn(async () => {
        if (this.isTrusted) await this.record.end();
      });
    } finally {
      await this.abandon();
    }
  }

  /** Closes the files and leaves everything as it is. */
  async abandon(): Promise<void> {
    this.closed = true;
    await Promise.allSettled([this.flushing, this.record.settled()]);
    await Promise.allSettled([this.data.close(), this.bits.close()]);
  }

  /** Once all that is here was hashed, it is believed as after an end in order. To be asked after each chunk that was hashed. */
  async believeAll(): Promise<void> {
    const { believed } = this;
    const mayBelieve = (): boolean => !this.closed && !this.isTrusted && this.believed === believed && believed.count === this.present.count;
    if (!mayBelieve()) return;
    try {
      await this.flush();
      await this.record.inTurn(async () => {
        if (!mayBelieve()) return;
        this.record.checkedAt = this.options.clock.now();
        await this.record.renew();
        if (mayBelieve()) this.believed = this.present;
      });
    } catch (error) {
      this.options.onFault(error);
    }
    this.options.onChange();
  }

  /** Every chunk was hashed, and none was found damaged. */
  async noteChecked(): Promise<void> {
    await this.record.inTurn(async () => {
      if (this.closed || !this.isTrusted) return;
      this.record.checkedAt = this.options.clock.now();
      await this.record.renew();
    });
  }

  private async begin(): Promise<void> {
    if (this.isTrusted) return this.record.begin();
    if (this.record.trusts) await this.record.forget();
    this.record.checkedAt = null;
    await this.believeAll();
  }

  private async readStored(index: number, hashed: boolean): Promise<Buffer | null> {
    const { manifest } = this.options.image;
    if (this.closed || !this.present.has(index)) return null;
    const bytes = Buffer.allocUnsafe(chunkLength(manifest, index));
    const whole = await this.readIfWhole(bytes, index);
    // Who read it at the same time may have lost it.
    if (this.closed || !this.present.has(index)) return null;
    if (whole && !hashed && this.believed.has(index)) return bytes;
    if (whole && sha256(bytes).equals(chunkHash(manifest, index))) {
      if (this.believed.add(index)) await this.believeAll();
      return bytes;
    }
    await this.lose(index);
    return null;
  }

  /** A sector that cannot be read is as good as a damaged one. */
  private readIfWhole(target: Buffer, index: number): Promise<boolean> {
    return this.read(target, 0, target.length, index * this.options.image.manifest.chunkBytes).catch((error: unknown) => {
      this.options.onFault(error);
      return false;
    });
  }

  /** Nobody wrote there; if something is there all the same, the plain file would show it. */
  private async checkHole(index: number): Promise<void> {
    const { manifest } = this.options.image;
    const [zeros, bytes] = [Buffer.alloc(chunkLength(manifest, index)), Buffer.allocUnsafe(chunkLength(manifest, index))];
    try {
      const whole = await this.readIfWhole(bytes, index);
      if (this.closed) return;
      if (!whole || !bytes.equals(zeros)) {
        this.foundDamaged(index);
        if (!(await this.written(index, zeros))) return;
        this.unsynced.push(index);
        this.changed(index);
      }
      this.believed.add(index);
    } catch (error) {
      this.options.onFault(error);
      return;
    }
    await this.believeAll();
  }

  /** Its bit is gone from the disk before new bytes may be written in its place. */
  private async lose(index: number): Promise<void> {
    this.foundDamaged(index);
    this.damaged.add(index);
    this.drop(index);
    this.changed(index);
    await this.flush();
    await this.believeAll();
  }

  /** If it was believed the disk rots, and no other chunk is better. */
  private foundDamaged(index: number): void {
    this.damagedChunks += 1;
    this.options.onFault(new Error(`Chunk ${index} of image ${this.options.image.id.slice(0, 12)} was damaged on this host's disk. It is ${this.zeros.has(index) ? 'made zeros' : 'fetched'} again.`));
    if (this.believed.has(index)) this.doubtAll();
    this.options.onChange();
  }

  private doubtAll(): void {
    this.believed = new Bitmap(this.present.length);
    this.record.inTurn(() => this.record.forget()).catch((error: unknown) => this.options.onFault(error));
  }

  /** False when a sync failed meanwhile, which may have taken a part of it, or when this was closed. */
  private async written(index: number, bytes: Buffer): Promise<boolean> {
    const failedBefore = this.failedSyncs;
    await this.data.write(bytes, index * this.options.image.manifest.chunkBytes);
    return !this.closed && this.failedSyncs === failedBefore;
  }

  private changed(index: number): void {
    this.dirtyBlocks.add(Math.floor(index / 8 / blockBytes));
    this.flushIn(syncEveryMs);
  }

  private flushIn(delayMs: number): void {
    if (this.timed) return;
    this.timed = true;
    this.options.clock.after(delayMs, () => {
      this.timed = false;
      if (this.closed) return;
      this.flush().catch((error: unknown) => {
        this.options.onFault(error);
        this.flushIn(syncAgainMs);
      });
    });
  }

  private flushInTurn(): Promise<void> {
    this.flushing = this.flushing.catch(() => undefined).then(() => this.flushOnce());
    return this.flushing;
  }

  private async flushOnce(): Promise<void> {
    if (this.dirtyBlocks.size === 0) return;
    const blocks = [...this.dirtyBlocks];
    this.dirtyBlocks.clear();
    // As they are now: a chunk that is kept during the sync waits for the next one.
    const pieces = blocks.map((block) => this.present.bytes(block * blockBytes, (block + 1) * blockBytes));
    const unsynced = this.unsynced;
    this.unsynced = [];
    try {
      if (unsynced.length > 0) await this.syncData(unsynced);
      for (const [at, block] of blocks.entries()) await this.bits.write(pieces[at] ?? Buffer.alloc(0), block * blockBytes);
      await this.bits.sync();
    } catch (error) {
      for (const block of blocks) this.dirtyBlocks.add(block);
      throw error;
    }
  }

  /**
   * After a failed sync the kernel may drop what it could not write and say nothing again: those chunks are gone, and so
   * are those that were written while it ran.
   */
  private async syncData(indexes: readonly number[]): Promise<void> {
    try {
      await this.data.sync();
    } catch (error) {
      this.failedSyncs += 1;
      for (const index of [...indexes, ...this.unsynced.splice(0)]) this.drop(index);
      this.options.onChange();
      throw error;
    }
  }

  private drop(index: number): void {
    if (!this.zeros.has(index) && this.present.remove(index)) this.storedChunks -= 1;
    if (!this.isTrusted) this.believed.remove(index);
    // When all are believed the two bitmaps are one, and zeros stay there: what they were written over may be back.
    else if (this.zeros.has(index)) this.doubtAll();
  }
}

function zeroChunks({ manifest }: KnownImage): Bitmap {
  const zeros = new Bitmap(chunkCount(manifest));
  for (let index = 0; index < zeros.length; index += 1) if (isZeroChunk(manifest, index)) zeros.add(index);
  return zeros;
}

async function readBits(bits: OpenFile, total: number): Promise<Bitmap> {
  const bytes = Buffer.alloc(Math.ceil(total / 8));
  const whole = (await bits.size()) === bytes.length && (await bits.read(bytes, 0, bytes.length, 0)) === bytes.length;
  if (!whole) await bits.resize(bytes.length);
  return new Bitmap(total, whole ? bytes : undefined);
}
