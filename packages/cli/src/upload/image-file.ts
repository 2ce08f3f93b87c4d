import { diskFormatOf } from '@paravcl/shared/disk-formats';
import { Qcow2Refused, qcow2HeaderBytes, readQcow2Header } from '@paravcl/shared/qcow2-header';
import type { ImageFormat } from '@paravcl/shared/domain/image';
import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';

/** A file that may be uploaded. */
export interface ImageFile {
  readonly file: FileHandle;
  readonly sizeBytes: number;
  readonly format: ImageFormat;
}

/** It cannot be uploaded; the message says why, and goes behind the path of the file. */
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

/**
 * Opens a file and looks at its header before anything is sent: what the master would refuse is told here, by the same rules. `announced`: what
 * it is said to be; else a qcow2 disk where it begins like one, and raw. Close `file` in the end. Throws UnfitFile.
 */
export async function openImageFile(path: string, announced: ImageFormat | null): Promise<ImageFile> {
  // Not to wait for the writer of a pipe.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch((error: unknown) => {
    const { code = '', message } = error as NodeJS.ErrnoException;
    throw new UnfitFile(plainReasons[code] ?? `cannot be read: ${message}`);
  });
  try {
    const stats = await file.stat();
    if (stats.isDirectory()) throw new UnfitFile('is a directory: name the file in it');
    if (!stats.isFile()) throw new UnfitFile('is no plain file');
    if (stats.size === 0) throw new UnfitFile('is empty');
    const start = Buffer.alloc(Math.min(qcow2HeaderBytes, stats.size));
    const { bytesRead } = await file.read(start, 0, start.length, 0);
    return { file, sizeBytes: stats.size, format: formatOf(start.subarray(0, bytesRead), stats.size, announced) };
  } catch (error) {
    await file.close();
    if (error instanceof UnfitFile) throw error;
    throw new UnfitFile(`cannot be read: ${(error as Error).message}`);
  }
}

function formatOf(start: Buffer, sizeBytes: number, announced: ImageFormat | null): ImageFormat {
  if (announced === 'raw') return 'raw';
  const other = diskFormatOf(start);
  if (announced === null && other === null) return 'raw';
  // A CD boots as a disk where it was made for that: who means it says so.
  try {
    readQcow2Header(start, sizeBytes);
    return 'qcow2';
  } catch (error) {
    if (!(error instanceof Qcow2Refused)) throw error;
    throw new UnfitFile(`cannot be taken. ${error.message}`);
  }
}
