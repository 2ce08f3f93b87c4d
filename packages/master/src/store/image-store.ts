import { MiB } from '@paravcl/shared/domain/limits';
import { ParavclError } from '@paravcl/shared/errors';
import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readdir, stat, statfs, unlink, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { isMissing, noSpace } from './file-faults';
import { storageFull } from './storage-room';

export interface AnnouncedContent {
  readonly imageId: string;
  readonly sizeBytes: number;
  /** Null: nobody said. */
  readonly sha256: string | null;
}

/** Read past the announced end before an upload is cut off. */
const patienceBytes = 8 * 1024 * 1024;

const uploadName = /^[0-9a-f-]{36}(\.part|\.raw|-[0-9a-f]{64}\.image)$/;
const rawName = /^[0-9a-f-]{36}\.raw$/;

export interface StoredContent {
  readonly sizeBytes: number;
  readonly sha256: string;
  readonly stream: Readable;
}

/**
 * Uploads on their way into the chunk store, in one directory: `<id>.part` from the first byte until it is taken,
 * `<id>.raw` while its disk is converted. (Before there was a chunk store, images stayed here as `<id>-<sha256>.image`,
 * renamed to that once size and hash were right; such a file is taken like an upload.) Of one image one caller writes
 * at a time: ImageService sees to that.
 */
export class ImageStore {
  constructor(
    readonly directory: string,
    /** Never taken by an upload: the database most often lies on the same file system. */
    readonly reserveBytes = 64 * MiB,
  ) {}

  /** Makes the directory. Conversions that were under way are forgotten: they are made again from what was uploaded. */
  async open(): Promise<void> {
    await mkdir(this.directory, { recursive: true, mode: 0o750 });
    for (const entry of await readdir(this.directory)) if (rawName.test(entry)) await this.removeFile(join(this.directory, entry));
  }

  /** The upload's file: the complete one, else what has arrived. Throws `not-found`. */
  async file(imageId: string): Promise<string> {
    const names = await readdir(this.directory);
    const name = names.find((entry) => entry.startsWith(`${imageId}-`) && entry.endsWith('.image')) ?? names.find((entry) => entry === `${imageId}.part`);
    if (name === undefined) throw new ParavclError('not-found', `There is no content of image ${imageId}.`);
    return join(this.directory, name);
  }

  /** Where a conversion of the image writes; nothing that lasts. */
  rawFile(imageId: string): string {
    return join(this.directory, `${imageId}.raw`);
  }

  /** Throws `storage-full` when these bytes do not fit beside what is kept free. */
  async checkRoom(bytes: number): Promise<void> {
    const { bavail, bsize } = await statfs(this.directory);
    if (bavail * bsize >= bytes + this.reserveBytes) return;
    const inMiB = (amount: number): number => Math.ceil(amount / MiB);
    throw storageFull(this.directory, undefined, ` (${inMiB(bavail * bsize)} MiB are free, and it takes ${inMiB(bytes)} MiB beside the ${inMiB(this.reserveBytes)} MiB that are kept free)`);
  }

  /** Bytes of an unfinished upload that have arrived; 0 when there are none. */
  async receivedBytes(imageId: string): Promise<number> {
    return (await sizeOf(this.part(imageId))) ?? 0;
  }

  /**
   * Appends `content` at `offsetBytes`, which must be what has been received. When the last byte is there,
   * compares size and SHA-256 and answers true; with bytes still missing and `mayContinue` it answers
   * false. A stream that breaks off throws and keeps what came; so does one that ends early in order, with
   * `content-mismatch` (field `offset`: where to go on). Wrong content throws `content-mismatch`
   * and keeps nothing, or what came before a request that only brought too much (field `offset`). `storage-full` keeps nothing,
   * and is thrown at once when the rest cannot fit.
   */
  async receive(announced: AnnouncedContent, content: AsyncIterable<Buffer>, offsetBytes: number, mayContinue: boolean): Promise<boolean> {
    const { imageId, sizeBytes } = announced;
    const received = await this.receivedBytes(imageId);
    // A fresh upload from the start may replace a broken one.
    if (offsetBytes !== received && offsetBytes !== 0) {
      throw new ParavclError('conflict', `${received} bytes have arrived, so the upload goes on at offset ${received}, not ${offsetBytes}.`, { field: 'offset', limit: String(received) });
    }
    await this.checkRoom(sizeBytes - offsetBytes);
    const hash = createHash('sha256');
    if (offsetBytes > 0) for await (const chunk of createReadStream(this.part(imageId))) hash.update(chunk as Buffer);
    const total = await this.append(announced, content, offsetBytes, hash);
    if (total < sizeBytes && mayContinue) return false;
    const digest = hash.digest('hex');
    // What has the announced SHA-256 already was announced with a wrong size: nothing can follow it.
    if (total < sizeBytes && digest !== announced.sha256) {
      throw new ParavclError('content-mismatch', `The content ended early: ${total} of ${sizeBytes} bytes are here, and kept. Go on at offset ${total}, or send it again from the start.`, { field: 'offset', limit: String(total) });
    }
    if (total > sizeBytes && offsetBytes > 0) {
      await this.cutTo(imageId, offsetBytes);
      throw new ParavclError(
        'content-mismatch',
        `This request brought more than the ${sizeBytes - offsetBytes} bytes that were still to come. Nothing of it was kept; the ${offsetBytes} bytes before it are. Go on at offset ${offsetBytes}, or send it again from the start.`,
        { field: 'offset', limit: String(offsetBytes) },
      );
    }
    if (total !== sizeBytes || (announced.sha256 !== null && digest !== announced.sha256)) {
      await this.removeFile(this.part(imageId));
      const what = total === sizeBytes ? `its SHA-256 is ${digest}, announced was ${announced.sha256 ?? 'none'}` : `it has ${total} bytes, announced were ${sizeBytes}`;
      throw new ParavclError('content-mismatch', `The content is not what was announced: ${what}. Nothing of it was kept; upload it again from the start.`);
    }
    return true;
  }

  /** First bytes of an upload, at most `length`. */
  async head(imageId: string, length: number): Promise<Buffer> {
    const file = await open(await this.file(imageId), 'r');
    try {
      const buffer = Buffer.alloc(length);
      let filled = 0;
      for (;;) {
        const { bytesRead } = await file.read(buffer, filled, length - filled, filled);
        filled += bytesRead;
        if (bytesRead === 0 || filled === length) return buffer.subarray(0, filled);
      }
    } finally {
      await file.close();
    }
  }

  /** A complete file of an earlier release from `offsetBytes` on. Throws `not-found`, or `invalid-input` for an offset past the end. */
  async openRead(imageId: string, offsetBytes: number): Promise<StoredContent> {
    const name = (await readdir(this.directory)).find((entry) => entry.startsWith(`${imageId}-`) && entry.endsWith('.image'));
    if (name === undefined) throw new ParavclError('not-found', `There is no content of image ${imageId}.`);
    const path = join(this.directory, name);
    const { size } = await stat(path);
    if (offsetBytes < 0 || offsetBytes > size) throw new ParavclError('invalid-input', `The image has ${size} bytes.`, { field: 'offset', limit: `0 to ${size}` });
    const sha256 = name.slice(imageId.length + 1, -'.image'.length);
    return { sizeBytes: size, sha256, stream: createReadStream(path, { start: offsetBytes, highWaterMark: 256 * 1024 }) };
  }

  /** Removes everything of an image; harmless when nothing is there. */
  async remove(imageId: string): Promise<void> {
    for (const entry of await readdir(this.directory)) {
      if (entry === `${imageId}.part` || entry === `${imageId}.raw` || entry.startsWith(`${imageId}-`)) await this.removeFile(join(this.directory, entry));
    }
    await this.syncDirectory();
  }

  /** Removes files of images that nobody knows any more: leftovers of a crash in the midst of a deletion. */
  async sweep(known: ReadonlySet<string>): Promise<void> {
    for (const entry of await readdir(this.directory)) {
      if (!uploadName.test(entry)) continue;
      if (!known.has(entry.slice(0, 36))) await this.removeFile(join(this.directory, entry));
    }
  }

  private async append(announced: AnnouncedContent, content: AsyncIterable<Buffer>, offsetBytes: number, hash: Hash): Promise<number> {
    const file = await open(this.part(announced.imageId), offsetBytes === 0 ? 'w' : 'r+', 0o640);
    let total = offsetBytes;
    try {
      for await (const chunk of content) {
        total += chunk.length;
        // Too much is not written. A little more is still read, because ending the stream here would take
        // the connection away under the answer that says why.
        if (total > announced.sizeBytes + patienceBytes) break;
        if (total > announced.sizeBytes) continue;
        await writeAll(file, chunk, total - chunk.length);
        hash.update(chunk);
      }
      await file.sync();
    } catch (error) {
      if (!noSpace(error)) await file.sync().catch(() => undefined);
      else {
        // Half an image would hold the very room that is missing.
        await this.removeFile(this.part(announced.imageId));
        throw storageFull(this.directory, error);
      }
      throw error;
    } finally {
      await file.close();
    }
    return total;
  }

  private async cutTo(imageId: string, bytes: number): Promise<void> {
    const file = await open(this.part(imageId), 'r+');
    try {
      await file.truncate(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
  }

  private part(imageId: string): string {
    return join(this.directory, `${imageId}.part`);
  }

  private async removeFile(path: string): Promise<void> {
    try {
      await unlink(path);
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
  }

  private async syncDirectory(): Promise<void> {
    const directory = await open(this.directory, 'r');
    await directory.sync().finally(() => directory.close());
  }
}

async function writeAll(file: FileHandle, chunk: Buffer, position: number): Promise<void> {
  for (let written = 0; written < chunk.length; ) {
    written += (await file.write(chunk, written, chunk.length - written, position + written)).bytesWritten;
  }
}

async function sizeOf(path: string): Promise<number | null> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}
