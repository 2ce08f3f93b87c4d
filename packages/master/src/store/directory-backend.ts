import { MiB } from '@paravcl/shared/domain/limits';
import { randomUUID } from 'node:crypto';
import { mkdir, open, readdir, rename, rm, stat, statfs, unlink, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { hasCode, isMissing, noSpace } from './file-faults';
import { checkKey, ObjectMissing, type ObjectBackend, type StoredObject } from './object-backend';
import { storageFull } from './storage-room';

/** Files kept open for reading; a pack is read many times in a row. */
const openFiles = 64;
/** Pieces in one write; below IOV_MAX of Linux, 1024. */
const piecesAtOnce = 512;

interface OpenFile {
  readonly handle: Promise<FileHandle>;
  readers: number;
  evicted: boolean;
}

/** Objects as files of one directory. An object is written beside the others and moved among them by rename(2) after fsync(2). */
export class DirectoryBackend implements ObjectBackend {
  /** By key, the one read longest ago first. */
  private readonly files = new Map<string, OpenFile>();
  /** Reads under way, and files on their way out: what `close` waits for. */
  private readonly underWay = new Set<Promise<unknown>>();
  /** Once closed, a file is kept open no longer than it is read. */
  private closed = false;

  constructor(
    readonly directory: string,
    /** Never taken: the database most often lies on the same file system. */
    private readonly reserveBytes = 64 * MiB,
  ) {}

  async open(): Promise<void> {
    await rm(this.unfinished, { recursive: true, force: true });
    await mkdir(this.unfinished, { recursive: true, mode: 0o750 });
    this.closed = false;
  }

  async close(): Promise<void> {
    this.closed = true;
    for (const key of [...this.files.keys()]) this.closeFile(key);
    while (this.underWay.size > 0) await Promise.allSettled(this.underWay);
  }

  async put(key: string, pieces: readonly Buffer[]): Promise<void> {
    const target = this.path(key);
    const bytes = pieces.reduce((sum, piece) => sum + piece.length, 0);
    await this.checkRoom(bytes);
    const temporary = join(this.unfinished, randomUUID());
    try {
      const file = await open(temporary, 'wx', 0o640);
      try {
        await writePieces(file, pieces);
        await file.sync();
      } finally {
        await file.close();
      }
      await this.moveIn(temporary, target);
      // An object put again under its key: who read the old one by its open file shall read the new one.
      this.closeFile(key);
    } catch (error) {
      await unlink(temporary).catch(() => undefined);
      throw noSpace(error) ? storageFull(this.directory, error) : error;
    }
  }

  read(key: string, offset: number, length: number): Promise<Buffer> {
    return this.awaited(this.readOpen(key, offset, length));
  }

  readAnew(key: string, offset: number, length: number): Promise<Buffer> {
    return this.awaited(this.readByName(key, offset, length));
  }

  async list(prefix: string): Promise<readonly StoredObject[]> {
    const [directory = '', start = ''] = prefix.split('/');
    const names = await readdir(join(this.directory, directory)).catch((error: unknown) => {
      if (isMissing(error)) return [];
      throw error;
    });
    const found: StoredObject[] = [];
    for (const name of names.filter((name) => name.startsWith(start)).sort()) {
      const { size } = await stat(join(this.directory, directory, name));
      found.push({ key: `${directory}/${name}`, bytes: size });
    }
    return found;
  }

  async delete(key: string): Promise<void> {
    const path = this.path(key);
    this.closeFile(key);
    try {
      await unlink(path);
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
  }

  private async readOpen(key: string, offset: number, length: number): Promise<Buffer> {
    const file = this.openFile(key);
    file.readers += 1;
    try {
      return await readExactly(await file.handle, key, offset, length);
    } catch (error) {
      throw isMissing(error) ? new ObjectMissing(key) : error;
    } finally {
      file.readers -= 1;
      this.closeUnused(file);
    }
  }

  private async readByName(key: string, offset: number, length: number): Promise<Buffer> {
    const file = await open(this.path(key), 'r').catch((error: unknown) => {
      throw isMissing(error) ? new ObjectMissing(key) : error;
    });
    return readExactly(file, key, offset, length).finally(() => file.close());
  }

  private get unfinished(): string {
    return join(this.directory, 'unfinished');
  }

  private path(key: string): string {
    checkKey(key);
    return join(this.directory, key);
  }

  private async moveIn(temporary: string, target: string): Promise<void> {
    const directory = dirname(target);
    try {
      await rename(temporary, target);
    } catch (error) {
      if (!isMissing(error)) throw error;
      await mkdir(directory, { recursive: true, mode: 0o750 });
      await rename(temporary, target);
      await syncDirectory(dirname(directory));
    }
    await syncDirectory(directory);
  }

  private async checkRoom(bytes: number): Promise<void> {
    const { bavail, bsize } = await statfs(this.directory);
    if (bavail * bsize < bytes + this.reserveBytes) throw storageFull(this.directory);
  }

  private openFile(key: string): OpenFile {
    const known = this.files.get(key);
    const file = known ?? { handle: open(this.path(key), 'r'), readers: 0, evicted: this.closed };
    if (this.closed) return file;
    this.files.delete(key);
    this.files.set(key, file);
    if (known === undefined) {
      // Whoever reads is told; here it is only forgotten, so that the next read tries again.
      file.handle.catch(() => {
        if (this.files.get(key) === file) this.files.delete(key);
      });
      for (const oldest of this.files.keys()) {
        if (this.files.size <= openFiles) break;
        this.closeFile(oldest);
      }
    }
    return file;
  }

  private closeFile(key: string): void {
    const file = this.files.get(key);
    if (file === undefined) return;
    this.files.delete(key);
    file.evicted = true;
    this.closeUnused(file);
  }

  private closeUnused(file: OpenFile): void {
    if (!file.evicted || file.readers > 0) return;
    void this.awaited(file.handle.then((handle) => handle.close()).catch(() => undefined));
  }

  private awaited<T>(work: Promise<T>): Promise<T> {
    const tracked = work.finally(() => this.underWay.delete(tracked));
    this.underWay.add(tracked);
    return tracked;
  }
}

async function readExactly(file: FileHandle, key: string, offset: number, length: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(length);
  for (let filled = 0; filled < length; ) {
    const { bytesRead } = await file.read(bytes, filled, length - filled, offset + filled);
    if (bytesRead === 0) throw new RangeError(`${key} ends before byte ${offset + length}.`);
    filled += bytesRead;
  }
  return bytes;
}

async function writePieces(file: FileHandle, pieces: readonly Buffer[]): Promise<void> {
  let left = pieces.filter((piece) => piece.length > 0);
  while (left.length > 0) {
    let { bytesWritten } = await file.writev(left.slice(0, piecesAtOnce));
    let done = 0;
    while (done < left.length && bytesWritten >= (left[done]?.length ?? 0)) {
      bytesWritten -= left[done]?.length ?? 0;
      done += 1;
    }
    const [cut, ...rest] = left.slice(done);
    left = cut === undefined ? [] : [cut.subarray(bytesWritten), ...rest];
  }
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  await directory
    .sync()
    .catch((error: unknown) => {
      // Some file systems cannot sync a directory, and need not.
      if (!hasCode(error, 'EINVAL')) throw error;
    })
    .finally(() => directory.close());
}
