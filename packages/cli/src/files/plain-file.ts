import { constants, createReadStream } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { Refusal, wrongUsage } from '../errors/refusal';
import { readAll } from '../talk/questions';
import type { World } from '../world';

/** A file that cannot be taken; the message says why, and goes behind its path. */
export class UnfitFile extends Error {
  override readonly name = 'UnfitFile';
}

const plainReasons: Readonly<Partial<Record<string, string>>> = {
  ENOENT: 'is not there',
  EACCES: 'may not be read by you',
  ENOTDIR: 'leads through what is no directory',
  ELOOP: 'is a symbolic link that leads in a circle',
  ENXIO: 'is no file but a socket or a device',
};

/** Why a file cannot be taken. */
export const unfit = (error: unknown): UnfitFile => {
  if (error instanceof UnfitFile) return error;
  const { code = '', message } = error as NodeJS.ErrnoException;
  return new UnfitFile(plainReasons[code] ?? `cannot be read: ${message}`);
};

export interface PlainFile {
  readonly file: FileHandle;
  readonly sizeBytes: number;
}

/** Opens a file of the disk, and nothing that only looks like one: a device has no end, and a pipe waits for who writes. Close `file`. Throws UnfitFile. */
export async function openPlainFile(path: string): Promise<PlainFile> {
  // Not to wait for the writer of a pipe.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch((error: unknown) => Promise.reject(unfit(error)));
  try {
    const stats = await file.stat();
    if (stats.isDirectory()) throw new UnfitFile('is a directory: name the file in it');
    if (!stats.isFile()) throw new UnfitFile('is no plain file');
    return { file, sizeBytes: stats.size };
  } catch (error) {
    await file.close();
    throw unfit(error);
  }
}

/** All of a file that is expected to be small, and never more than so many bytes. Throws UnfitFile. */
export async function readSmallFile(path: string, mostBytes: number): Promise<Buffer> {
  const { file, sizeBytes } = await openPlainFile(path);
  try {
    if (sizeBytes > mostBytes) throw new UnfitFile(`has ${String(sizeBytes)} bytes, and at most ${String(mostBytes)} are read: is it another file?`);
    // It may grow meanwhile; files of /proc have no size at all.
    const bytes = Buffer.alloc(mostBytes + 1);
    let length = 0;
    while (length <= mostBytes) {
      const { bytesRead } = await file.read(bytes, length, bytes.length - length, length);
      if (bytesRead === 0) return bytes.subarray(0, length);
      length += bytesRead;
    }
    throw new UnfitFile(`has more than ${String(mostBytes)} bytes, and no more are read: is it another file?`);
  } catch (error) {
    throw unfit(error);
  } finally {
    await file.close();
  }
}

/** Text of a small file that somebody named. Throws Refusal. */
export async function textOfFile(path: string, mostBytes: number): Promise<string> {
  const bytes = await readSmallFile(path, mostBytes).catch((error: unknown) => Promise.reject(error instanceof UnfitFile ? wrongUsage(`${path} ${error.message.replace(/([^?.])$/, '$1.')}`) : error));
  return bytes.toString('utf8');
}

/** The same, where `-` is standard input, and /dev/fd/63 what a shell writes for `<(…)`. */
export function textFrom({ stdin }: Pick<World, 'stdin'>, path: string, mostBytes: number): Promise<string> {
  if (path === '-') return readAll(stdin, mostBytes);
  const handed = /^\/dev\/fd\/(\d{1,4})$/.exec(path)?.[1];
  return handed === undefined ? textOfFile(path, mostBytes) : readAll(createReadStream('', { fd: Number(handed) }), mostBytes).catch((error: unknown) => Promise.reject(error instanceof Refusal ? error : wrongUsage(`${path} ${unfit(error).message}.`)));
}
