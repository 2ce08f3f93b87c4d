import type { ManifestId } from '@paravcl/shared/chunks/manifest';
import type { ImageFormat, ImageKind } from '@paravcl/shared/domain/image';
import { MiB } from '@paravcl/shared/domain/limits';
import type { ParavclError } from '@paravcl/shared/errors';
import { qcow2HeaderBytes, readQcow2Header } from '@paravcl/shared/qcow2-header';
import { rm, stat } from 'node:fs/promises';
import type { ChunkStore } from './chunk-store';
import { chunkFile } from './content-chunker';
import { checkImage } from './image-check';
import type { ImageConversion } from './image-conversion';
import type { ImageStore } from './image-store';
import { requireRoom } from './intake-room';

/** A complete upload, as it was announced. */
export interface UploadedImage {
  readonly imageId: string;
  readonly kind: ImageKind;
  readonly format: ImageFormat;
  readonly sizeBytes: number;
}

/** What an upload became. Its chunks and manifest are kept from every sweep until `release`: let the books name the manifest before. */
export interface TakenImage {
  readonly manifestId: ManifestId;
  /** Of the whole raw content. */
  readonly contentSha256: string;
  /** Of a disk a multiple of 512. */
  readonly contentBytes: number;
  /** Null for kernels and ramdisks. */
  readonly virtualSizeMiB: number | null;
  /** Something odd that does not forbid its use. */
  readonly warning: string | null;
  /** Chunks that the store had, damaged, and has as they were again. */
  readonly mendedChunks: number;
  release(): void;
}

const sectorBytes = 512;

/** Takes complete uploads into the chunk store: header check, disks to raw, chunks, manifest. */
export class ImageIntake {
  constructor(
    private readonly uploads: ImageStore,
    private readonly store: ChunkStore,
    private readonly conversion: ImageConversion,
  ) {}

  /**
   * For what is still to come of the upload, and at worst: no chunk of it is known or can be deflated, and the raw disk
   * of a qcow2 file has as much data as the file. (One that is packed has more; the conversion stops when that lacks room.)
   * Throws `storage-full`.
   */
  async requireRoom({ format, sizeBytes }: Pick<UploadedImage, 'format' | 'sizeBytes'>, toComeBytes: number): Promise<void> {
    const { uploads, store } = this;
    await requireRoom(
      [
        { directory: uploads.directory, bytes: toComeBytes, what: 'the rest of the upload' },
        { directory: uploads.directory, bytes: format === 'qcow2' ? sizeBytes : 0, what: 'its disk made raw' },
        ...(store.directory === null ? [] : [{ directory: store.directory, bytes: sizeBytes, what: 'its chunks' }]),
      ],
      uploads.reserveBytes,
    );
  }

  /** What this machine lacks for images of this format, as an error to tell; null when it lacks nothing. */
  missingFor(format: ImageFormat): Promise<ParavclError | null> {
    return format === 'qcow2' ? this.conversion.missing() : Promise.resolve(null);
  }

  /**
   * The upload's files stay; remove them once the books name the manifest. Cut short by whatever it may be made again,
   * and finds what it put the last time. `onProgress` gets whole percent and may throw to end it. Throws Qcow2Refused
   * for what is not taken, `storage-full`, `conflict` as `missingFor`, `not-found` without an upload.
   */
  async take(image: UploadedImage, onProgress: (percent: number) => void): Promise<TakenImage> {
    const file = await this.uploads.file(image.imageId);
    const start = await this.uploads.head(image.imageId, qcow2HeaderBytes);
    const { size } = await stat(file);
    const { warning } = checkImage({ ...image, sizeBytes: size }, start);
    const tell = wholePercents(onProgress);
    if (image.kind !== 'disk') return this.chunk(file, 1, warning, image.kind, tell);
    if (image.format === 'raw') return this.chunk(file, sectorBytes, warning, image.kind, tell);
    const { virtualSizeBytes, dirty } = readQcow2Header(start, size);
    const raw = this.uploads.rawFile(image.imageId);
    const source = { file, bytes: size, virtualSizeBytes };
    await this.conversion.check(source, { dirty });
    try {
      await this.conversion.toRaw(source, raw, (percent) => tell(percent / 2));
      return await this.chunk(raw, sectorBytes, warning, image.kind, (percent) => tell(50 + percent / 2));
    } finally {
      await rm(raw, { force: true });
    }
  }

  private async chunk(file: string, multipleOf: number, warning: string | null, kind: ImageKind, tell: (percent: number) => void): Promise<TakenImage> {
    const session = this.store.begin();
    try {
      const { manifest, sha256 } = await chunkFile(file, multipleOf, session, tell);
      const manifestId = await session.putManifest(manifest);
      return {
        manifestId,
        contentSha256: sha256,
        contentBytes: manifest.sizeBytes,
        virtualSizeMiB: kind === 'disk' ? Math.ceil(manifest.sizeBytes / MiB) : null,
        warning,
        mendedChunks: session.counted.mended,
        release: () => session.release(),
      };
    } catch (error) {
      session.release();
      throw error;
    }
  }
}

/** Tells each whole percent once. */
function wholePercents(onProgress: (percent: number) => void): (percent: number) => void {
  let told = -1;
  return (percent) => {
    const whole = Math.min(100, Math.floor(percent));
    if (whole <= told) return;
    told = whole;
    onProgress(whole);
  };
}
