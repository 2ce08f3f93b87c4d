import { readSync, writeSync } from 'node:fs';
import { chmod, chown, mkdir, open, readdir, readFile, rename, rm, stat, statfs, utimes, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { syncDirectory } from '../disks/sync-directory';
import { WhileFast } from './while-fast';

/** A file that is open for reading and writing in place. */
export interface OpenFile {
  /** How many bytes were read, fewer at the end of the file. Blocks while the disk is asked. */
  readSync(target: Buffer, at: number, length: number, position: number): number;
  read(target: Buffer, at: number, length: number, position: number): Promise<number>;
  /** All of it, or it throws and any part of it may be there. */
  write(data: Buffer, position: number): Promise<void>;
  size(): Promise<number>;
  /** Grows with zeros that take no room. */
  resize(bytes: number): Promise<void>;
  /** What was written before the call outlives a loss of power: fdatasync(2). */
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** What the mirror asks of a file system; a test's own one loses power. */
export interface FileLayer {
  /** Made when it is missing. */
  open(path: string): Promise<OpenFile>;
  /** Null when there is none. */
  readAll(path: string): Promise<Buffer | null>;
  /** Durable when it returns; whatever happens, the file is the old one or the new one. */
  replace(path: string, data: Buffer): Promise<void>;
  makeDirectory(path: string): Promise<void>;
  syncDirectory(path: string): Promise<void>;
  list(directory: string): Promise<readonly string[]>;
  rename(from: string, to: string): Promise<void>;
  /** With everything below it; quiet when it is not there. */
  remove(path: string): Promise<void>;
  /** Milliseconds since 1970; null when there is no such file. */
  modifiedAt(path: string): Promise<number | null>;
  touch(path: string, atMs: number): Promise<void>;
  freeBytes(directory: string): Promise<number>;
}

/**
 * QEMU's group passes through the directories and reads the files of complete images. Nobody else of the host does: who
 * may launch an image may not download it, and the name of its directory is no secret.
 */
const directoryMode = 0o710;
const fileMode = 0o640;
/** Of what the mirror alone reads. */
const ownFileMode = 0o600;
/** To chown(2): leave the owner as it is. */
const keepUid = -1;
const rootUid = 0;
const modeBits = 0o7777;

/** @param gid the group that passes and reads besides us: QEMU's; null: none. */
export function hostFilesReadBy(gid: number | null): FileLayer {
  return {
    ...plainFiles,
    open: async (path) => {
      const handle = await open(path, 'r+').catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'ENOENT') throw error;
        return made(path, gid);
      });
      return openFile(handle);
    },
    makeDirectory: async (path) => {
      await mkdir(path, { recursive: true, mode: directoryMode });
      if (gid !== null) await chown(path, keepUid, gid);
      // Not left to the umask: QEMU's user has to pass.
      await chmod(path, directoryMode);
    },
  };
}

/**
 * Gives everything below `directory` the modes that new files get: earlier releases let every account of the host read
 * them. The owner stays: libvirt gives the kernel of a guest that runs to QEMU's user and counts who uses it, and would let
 * no other guest start from a file that it finds with another owner meanwhile.
 */
export async function keepFromOthers(directory: string, gid: number): Promise<void> {
  const entries = (await readdir(directory, { withFileTypes: true }).catch(unlessMissing)) ?? [];
  for (const entry of entries) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) await keepFromOthers(path, gid);
    else if (entry.isFile()) await close(path, gid, fileMode);
  }
  if (entries.length > 0) await close(directory, gid, directoryMode);
}

async function close(path: string, gid: number, mode: number): Promise<void> {
  const found = await stat(path);
  if (found.gid === gid && (found.mode & modeBits) === mode) return;
  // Root's for a moment: the mirror's unit lets it change the mode of no file but its own.
  await chown(path, rootUid, gid);
  await chmod(path, mode);
  if (found.uid !== rootUid) await chown(path, found.uid, gid);
}

async function made(path: string, gid: number | null): Promise<FileHandle> {
  const handle = await open(path, 'wx+', ownFileMode);
  if (gid !== null) await handle.chown(keepUid, gid);
  await handle.chmod(fileMode);
  return handle;
}

const plainFiles: Omit<FileLayer, 'open' | 'makeDirectory'> = {
  readAll: (path) => readFile(path).catch(unlessMissing),
  replace: async (path, data) => {
    const part = `${path}.part`;
    const handle = await open(part, 'w', ownFileMode);
    try {
      await handle.writeFile(data);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(part, path);
    await syncDirectory(dirname(path));
  },
  syncDirectory,
  list: async (directory) => (await readdir(directory).catch(unlessMissing)) ?? [],
  rename,
  remove: (path) => rm(path, { recursive: true, force: true }),
  modifiedAt: async (path) => (await stat(path).catch(unlessMissing))?.mtimeMs ?? null,
  touch: (path, atMs) => utimes(path, atMs / 1000, atMs / 1000),
  freeBytes: async (directory) => {
    const { bavail, bsize } = await statfs(directory);
    return bavail * bsize;
  },
};

/** Files of the mirror's own user alone. */
export const hostFiles = hostFilesReadBy(null);

function unlessMissing(error: NodeJS.ErrnoException): null {
  if (error.code !== 'ENOENT') throw error;
  return null;
}

/** Writes wait longer than this when the kernel holds the writer back. */
const writesAtOnce = { slowMs: 5, slowInRow: 3, elsewhere: 256 } as const;

function openFile(handle: FileHandle): OpenFile {
  const { fd } = handle;
  const fast = new WhileFast(writesAtOnce);
  const writePart = async (data: Buffer, done: number, position: number): Promise<number> => {
    const length = data.length - done;
    if (!fast.mayBlock()) return (await handle.write(data, done, length, position)).bytesWritten;
    const startMs = performance.now();
    // Not the number from before: after the end that of the handle is none, the other may be another file's.
    const written = writeSync(handle.fd, data, done, length, position);
    fast.took(performance.now() - startMs);
    return written;
  };
  return {
    readSync: (target, at, length, position) => readSync(fd, target, at, length, position),
    read: async (target, at, length, position) => (await handle.read(target, at, length, position)).bytesRead,
    write: async (data, position) => {
      for (let done = 0; done < data.length; ) done += await writePart(data, done, position + done);
    },
    size: async () => (await handle.stat()).size,
    resize: (bytes) => handle.truncate(bytes),
    sync: () => handle.datasync(),
    close: () => handle.close(),
  };
}
