import { hash } from 'node:crypto';
import { join } from 'node:path';
import type { Clock } from '@paravcl/shared/clock';
import { chunkCount, chunkHash, chunkLength, isZeroChunk } from '@paravcl/shared/chunks/manifest';
import { parseJson } from '@paravcl/shared/parse-json';
import { z } from 'zod';
import { Bitmap } from './bitmap';
import type { KnownImage } from './chunk-source';
import type { FileLayer, OpenFile } from './file-layer';

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
}

/** Chunks that were kept may wait so long for their bit on the disk; a crash costs fetching these again. */
const syncEveryMs = 1000;
const syncAgainMs = 5000;
/** Bits are written in blocks of this many bytes. */
const blockBytes = 4096;

/** Under which boot of the host every bit on the disk may be believed, and whether the mirror ended in order. */
const stateSchema = z.object({ bootId: z.string(), clean: z.boolean() });
const names = { data: 'data', present: 'present', state: 'state.json' } as const;

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

  private constructor(
    private readonly options: ChunkFileOptions,
    private readonly data: OpenFile,
    private readonly bits: OpenFile,
    private readonly present: Bitmap,
    /** Those of `present` that were hashed, here or when they came; `present` itself when all are to be believed. */
    private believed: Bitmap,
  ) {
    this.zeros = zeroChunks(options.image);
    this.storedChunks = present.count - this.zeros.count;
  }

  static async open(options: ChunkFileOptions): Promise<ChunkFile> {
    const { files, directory, image, bootId } = options;
    const [opened, openedBits, stated] = await Promise.allSettled([files.open(join(directory, names.data)), files.open(join(directory, names.present)), readState(options)]);
    if (opened.status === 'rejected' || openedBits.status === 'rejected' || stated.status === 'rejected') {
      for (const one of [opened, openedBits]) if (one.status === 'fulfilled') await one.value.close();
      throw [opened, openedBits, stated].find((one) => one.status === 'rejected')?.reason;
    }
    const [data, bits, state] = [opened.value, openedBits.value, stated.value];
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
      const isTrusted = isNew || (isWhole && state !== null && (state.clean || state.bootId === bootId));
      const file = new ChunkFile(options, data, bits, present, isTrusted ? present : new Bitmap(total));
      await file.begin(state);
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

  /** The chunk, from here and true; null when it is missing, or was found rotten, which makes it missing. */
  async readChunk(index: number): Promise<Buffer | null> {
    const { manifest } = this.options.image;
    const length = chunkLength(manifest, index);
    if (this.zeros.has(index)) {
      if (!this.closed && !this.believed.has(index)) await this.checkHole(index);
      return Buffer.alloc(length);
    }
    if (this.closed || !this.present.has(index)) return null;
    const bytes = Buffer.allocUnsafe(length);
    const whole = await this.read(bytes, 0, length, index * manifest.chunkBytes).catch((error: unknown) => {
      this.options.onFault(error);
      return false;
    });
    if (this.closed) return null;
    if (whole && this.believed.has(index)) return bytes;
    if (whole && sha256(bytes).equals(chunkHash(manifest, index))) {
      this.believed.add(index);
      await this.believeAll();
      return bytes;
    }
    this.options.onFault(new Error(`Chunk ${index} of image ${this.options.image.id.slice(0, 12)} was damaged on this host's disk. It is fetched again.`));
    await this.lose(index);
    return null;
  }

  /** Keeps bytes whose hash was checked. Throws what the disk says, ENOSPC for one; then it is not kept, nor when a sync fails meanwhile. */
  async keep(index: number, bytes: Buffer): Promise<void> {
    if (this.closed || this.believed.has(index) || !(await this.written(index, bytes))) return;
    if (this.present.add(index)) this.storedChunks += 1;
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
      if (this.isTrusted) await this.writeState(true);
    } finally {
      await this.abandon();
    }
  }

  /** Closes the files and leaves everything as it is. */
  async abandon(): Promise<void> {
    this.closed = true;
    await this.flushing.catch(() => undefined);
    await Promise.allSettled([this.data.close(), this.bits.close()]);
  }

  /** From now on an end that is not in order is one under this boot. */
  private async begin(state: z.infer<typeof stateSchema> | null): Promise<void> {
    if (!this.isTrusted) {
      const misleads = state !== null && (state.clean || state.bootId === this.options.bootId);
      if (misleads) await this.forgetState();
      await this.believeAll();
      return;
    }
    if (state?.bootId === this.options.bootId && !state.clean) return;
    await this.writeState(false).catch(async (error: unknown) => {
      // A full disk: chunks are served all the same, and without a state they are hashed again one day.
      this.options.onFault(error);
      await this.forgetState();
    });
  }

  /** When the last chunk was hashed again. */
  private async believeAll(): Promise<void> {
    if (this.isTrusted || this.believed.count !== this.present.count) return;
    try {
      await this.flush();
      await this.writeState(false);
    } catch (error) {
      this.options.onFault(error);
      return;
    }
    this.believed = this.present;
  }

  /** Nobody wrote there; if something is there all the same, the plain file would show it. */
  private async checkHole(index: number): Promise<void> {
    const { manifest } = this.options.image;
    const [zeros, bytes] = [Buffer.alloc(chunkLength(manifest, index)), Buffer.allocUnsafe(chunkLength(manifest, index))];
    try {
      const isHole = (await this.read(bytes, 0, bytes.length, index * manifest.chunkBytes)) && bytes.equals(zeros);
      if (this.closed) return;
      if (!isHole) {
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
    this.drop(index);
    this.changed(index);
    await this.flush();
    await this.believeAll();
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
      throw error;
    }
  }

  private drop(index: number): void {
    if (!this.zeros.has(index) && this.present.remove(index)) this.storedChunks -= 1;
    // When all are believed the two bitmaps are one.
    if (!this.isTrusted) this.believed.remove(index);
  }

  private writeState(clean: boolean): Promise<void> {
    return this.options.files.replace(join(this.options.directory, names.state), Buffer.from(`${JSON.stringify({ bootId: this.options.bootId, clean })}\n`));
  }

  private async forgetState(): Promise<void> {
    await this.options.files.remove(join(this.options.directory, names.state));
    await this.options.files.syncDirectory(this.options.directory);
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

async function readState({ files, directory }: ChunkFileOptions): Promise<z.infer<typeof stateSchema> | null> {
  const text = await files.readAll(join(directory, names.state));
  if (text === null) return null;
  try {
    return stateSchema.parse(parseJson(text.toString('utf8')));
  } catch {
    return null;
  }
}
