import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ImageRef } from '@paravcl/shared/protocol/desired-instance';
import { Qcow2Refused, qcow2HeaderBytes, readQcow2Header } from '@paravcl/shared/qcow2-header';
import { DiskStoreError, type ImageSource } from './disk-store';
import type { ImageEviction } from './image-eviction';
import { imageName, partPrefix, type PoolLayout } from './pool-layout';
import { syncDirectory } from './sync-directory';

interface Fetch {
  readonly done: Promise<void>;
  readonly listeners: Set<(percent: number) => void>;
}

export interface CacheHost {
  /** /proc/sys/kernel/random/boot_id */
  readonly bootId: string;
  /** Throws `no-room` when the pool cannot take so many bytes more, whatever is evicted. */
  makeRoom(bytes: number, what: string): Promise<void>;
  /** Told of an image that was whole once and is not any more. */
  onFault(error: unknown): void;
}

/**
 * Images on this host, by content. A file under its final name is complete: it gets that name by a
 * rename after its size and SHA-256 were right, its header was read and its bytes were synced. After the
 * host was started again it is hashed once more before it counts: a host that crashed may have damaged it.
 */
export class ImageCache {
  private readonly fetches = new Map<string, Fetch>();
  private readonly checks = new Map<string, Promise<boolean>>();

  constructor(
    private readonly layout: PoolLayout,
    private readonly source: ImageSource,
    private readonly eviction: ImageEviction,
    private readonly host: CacheHost,
  ) {}

  /** Removes what earlier crashes left half fetched. */
  async sweep(): Promise<void> {
    const entries = await readdir(this.layout.images);
    await Promise.all(entries.filter((name) => name.startsWith(partPrefix)).map((name) => rm(join(this.layout.images, name), { force: true })));
  }

  /** True when the image is there, whole and checked; the first question after the host's start takes as long as hashing it. */
  async has(image: ImageRef): Promise<boolean> {
    this.eviction.asked(image);
    const found = await stat(this.layout.image(image)).catch(() => null);
    if (found === null || !found.isFile() || found.size !== image.sizeBytes) return false;
    const name = imageName(image);
    const check = this.checks.get(name) ?? this.check(image, name).finally(() => this.checks.delete(name));
    this.checks.set(name, check);
    if (!(await check)) return false;
    await this.eviction.used(image);
    return true;
  }

  /** Shared by all who ask for the same content while it is under way. */
  fetch(image: ImageRef, onProgress: (percent: number) => void): Promise<void> {
    const key = `${image.sha256}.${image.format}`;
    let fetch = this.fetches.get(key);
    if (fetch === undefined) {
      const listeners = new Set<(percent: number) => void>();
      const done = this.fetchOnce(image, (percent) => {
        for (const listener of listeners) listener(percent);
      }).finally(() => this.fetches.delete(key));
      fetch = { done, listeners };
      this.fetches.set(key, fetch);
    }
    fetch.listeners.add(onProgress);
    return fetch.done;
  }

  private async fetchOnce(image: ImageRef, tell: (percent: number) => void): Promise<void> {
    if (await this.has(image)) return;
    const part = this.layout.partialImage(image);
    const { hash, bytes: resumed } = await hashOfFile(part, image.sizeBytes);
    await this.host.makeRoom(image.sizeBytes - resumed, `image ${image.sha256.slice(0, 12)}`);
    const file = await open(part, 'a', 0o644);
    let bytes = resumed;
    try {
      let told = -1;
      if (bytes < image.sizeBytes) {
        for await (const chunk of await this.source.open(image, bytes)) {
          bytes += chunk.length;
          if (bytes > image.sizeBytes) break;
          hash.update(chunk);
          await file.appendFile(chunk);
          const percent = Math.floor((bytes / image.sizeBytes) * 100);
          if (percent !== told) tell((told = percent));
        }
      }
      if (bytes < image.sizeBytes) throw new DiskStoreError('fetch-failed', `The transfer of image ${image.imageId} ended after ${bytes} of ${image.sizeBytes} bytes.`);
      await file.datasync();
    } catch (error) {
      throw asStoreError(error, image);
    } finally {
      await file.close();
    }
    await this.accept(image, part, bytes, hash.digest('hex'));
  }

  /** The last gate: what does not pass is removed, so that the next attempt starts from nothing. */
  private async accept(image: ImageRef, part: string, bytes: number, sha256: string): Promise<void> {
    const fault =
      bytes > image.sizeBytes
        ? `it is longer than the announced ${image.sizeBytes} bytes`
        : sha256 !== image.sha256
          ? `its SHA-256 is ${sha256.slice(0, 12)}… where ${image.sha256.slice(0, 12)}… was announced`
          : image.format === 'qcow2'
            ? await headerFault(part)
            : null;
    if (fault !== null) {
      await rm(part, { force: true });
      throw new DiskStoreError('image-corrupt', `Image ${image.imageId} is not what it should be: ${fault}.`);
    }
    this.eviction.asked(image);
    await rename(part, this.layout.image(image));
    await syncDirectory(this.layout.images);
    await this.noteVerified(imageName(image));
  }

  /** One that rotted is removed, so that it is fetched again. */
  private async check(image: ImageRef, name: string): Promise<boolean> {
    const verifiedUnder = await readFile(join(this.layout.verified, name), 'utf8').catch(() => null);
    if (verifiedUnder === this.host.bootId) return true;
    const digest = await hashOfFile(this.layout.image(image), image.sizeBytes).then(
      ({ hash }) => hash.digest('hex'),
      (error: NodeJS.ErrnoException) => {
        if (error.code !== 'EIO') throw error;
        return 'unreadable';
      },
    );
    if (digest === image.sha256) {
      await this.noteVerified(name);
      return true;
    }
    await this.eviction.remove(name);
    this.host.onFault(new DiskStoreError('image-corrupt', `The cached image ${image.imageId} was damaged on this host's disk. It was removed and is fetched again.`));
    return false;
  }

  /** Not synced, and without it the image counts too: what is lost costs one more hashing. */
  private noteVerified(name: string): Promise<void> {
    return writeFile(join(this.layout.verified, name), this.host.bootId).catch((error: unknown) => this.host.onFault(error));
  }
}

/** What a broken transfer or an earlier boot left is hashed again rather than believed. */
async function hashOfFile(path: string, sizeBytes: number): Promise<{ readonly hash: Hash; readonly bytes: number }> {
  const found = await stat(path).catch(() => null);
  const hash = createHash('sha256');
  if (found === null) return { hash, bytes: 0 };
  if (found.size > sizeBytes) {
    await rm(path, { force: true });
    return { hash, bytes: 0 };
  }
  let bytes = 0;
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 }) as AsyncIterable<Buffer>) {
    hash.update(chunk);
    bytes += chunk.length;
  }
  return { hash, bytes };
}

async function headerFault(path: string): Promise<string | null> {
  try {
    await virtualSizeOf(path);
    return null;
  } catch (error) {
    if (error instanceof Qcow2Refused) return error.message.replace(/\.$/, '');
    throw error;
  }
}

/** Size of the disk a qcow2 file holds, by our own reading of its header. Throws Qcow2Refused. */
export async function virtualSizeOf(path: string): Promise<number> {
  const file = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(qcow2HeaderBytes), 0, qcow2HeaderBytes, 0);
    return readQcow2Header(buffer.subarray(0, bytesRead)).virtualSizeBytes;
  } finally {
    await file.close();
  }
}

function asStoreError(error: unknown, image: ImageRef): DiskStoreError {
  if (error instanceof DiskStoreError) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'ENOSPC' || code === 'EDQUOT') return new DiskStoreError('no-room', `The pool filled up while image ${image.imageId} was fetched.`, { cause: error });
  return new DiskStoreError('fetch-failed', `Image ${image.imageId} could not be fetched: ${message}`, { cause: error });
}
