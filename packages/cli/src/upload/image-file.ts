import { diskFormatOf } from '@paravcl/shared/disk-formats';
import { Qcow2Refused, qcow2HeaderBytes, readQcow2Header } from '@paravcl/shared/qcow2-header';
import type { ImageFormat } from '@paravcl/shared/domain/image';
import type { FileHandle } from 'node:fs/promises';
import { openPlainFile, UnfitFile } from '../files/plain-file';

/** A file that may be uploaded. */
export interface ImageFile {
  readonly file: FileHandle;
  readonly sizeBytes: number;
  readonly format: ImageFormat;
}

/**
 * Opens a file and looks at its header before anything is sent: what the master would refuse is told here, by the same rules. `announced`: what
 * it is said to be; else a qcow2 disk where it begins like one, and raw. Close `file` in the end. Throws UnfitFile.
 */
export async function openImageFile(path: string, announced: ImageFormat | null): Promise<ImageFile> {
  const { file, sizeBytes } = await openPlainFile(path);
  try {
    if (sizeBytes === 0) throw new UnfitFile('is empty');
    const start = Buffer.alloc(Math.min(qcow2HeaderBytes, sizeBytes));
    const { bytesRead } = await file.read(start, 0, start.length, 0);
    return { file, sizeBytes, format: formatOf(start.subarray(0, bytesRead), sizeBytes, announced) };
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
