import { createHash, type Hash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { ParavclError } from '@paravcl/shared/errors';
import type { UnitOfWork } from '../db/unit-of-work';
import type { ImageRecord } from '../repositories/image-record';
import type { ImageHold } from './image-holds';
import { missingImage } from './image-nouns';
import { openImportFile, type ImportFile } from './import-file';

/** Where what is read in lies until it is checked, as an upload does. */
export interface ImportUploads {
  /** Takes everything in from the start; true when it has `sizeBytes`. */
  receive(announced: { readonly imageId: string; readonly sizeBytes: number; readonly sha256: string | null }, content: AsyncIterable<Buffer>, offsetBytes: number, mayContinue: boolean): Promise<boolean>;
}

/** Reads files of the server in, as if somebody had uploaded them. */
export class ImageImport {
  constructor(
    private readonly unitOfWork: Pick<UnitOfWork, 'read'>,
    private readonly uploads: ImportUploads,
    private readonly directories: readonly string[],
  ) {}

  /** As `openImportFile`, from the directories of this site. */
  open(path: string): Promise<ImportFile> {
    return openImportFile(path, this.directories);
  }

  /**
   * Copies the file in, takes its SHA-256 meanwhile, and writes that down: from there on the image is an upload that has
   * just become complete. Closes the file. Without one, after a start of the master, the image's own is opened once more
   * and what had been copied is copied again. Throws as `open`, `content-mismatch` when the file became shorter, `storage-full`, `not-found` when the image was deleted.
   */
  async readIn(image: ImageRecord, hold: ImageHold, opened?: ImportFile): Promise<ImageRecord> {
    const { imageContents } = this.unitOfWork.read;
    let file = opened;
    try {
      file ??= await this.open(image.importPath ?? '');
      const { handle, sizeBytes } = file;
      const hash = createHash('sha256');
      await this.uploads.receive({ imageId: image.id, sizeBytes, sha256: null }, hashed(handle, sizeBytes, hash, image, hold), 0, false);
      const sha256 = hash.digest('hex');
      if (!(await imageContents.setReadIn(image.id, { sizeBytes, sha256 }))) throw missingImage(image.kind, image.id);
      return { ...image, sizeBytes, sha256, importPath: null };
    } catch (error) {
      const { code, name } = error as NodeJS.ErrnoException;
      const why = error instanceof ParavclError ? error.message : `The file could not be read in (${code ?? name}).`;
      await imageContents.setImportReason(image.id, `${why} Delete the image and import it again; the next start of the master tries once more.`).catch(() => undefined);
      throw error;
    } finally {
      await file?.handle.close();
    }
  }
}

/** As much as the file had when it was looked at: one that grows meanwhile is not followed. */
async function* hashed(handle: FileHandle, sizeBytes: number, hash: Hash, image: ImageRecord, hold: ImageHold): AsyncGenerator<Buffer> {
  let bytes = 0;
  const stream = handle.createReadStream({ start: 0, end: sizeBytes - 1, autoClose: false, highWaterMark: 256 * 1024 });
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    if (hold.deleted) throw missingImage(image.kind, image.id);
    hash.update(chunk);
    bytes += chunk.length;
    yield chunk;
  }
  if (bytes < sizeBytes) throw new ParavclError('content-mismatch', `${image.importPath ?? 'The file'} became shorter while it was read in: it has ${bytes} bytes, announced were ${sizeBytes}.`);
}
