import type { ManifestId } from '@paravcl/shared/chunks/manifest';
import type { ImageFormat, ImageKind } from '@paravcl/shared/domain/image';

/** A complete upload, as it was announced. */
export interface UploadedImage {
  readonly imageId: string;
  readonly kind: ImageKind;
  readonly format: ImageFormat;
  readonly sizeBytes: number;
}

/** What an upload became. Its chunks and manifest are kept from every sweep until `release`: write the manifest into the books first. */
export interface TakenImage {
  readonly manifestId: ManifestId;
  /** Of the whole raw content. */
  readonly contentSha256: string;
  /** Of a disk a multiple of 512. */
  readonly contentBytes: number;
  readonly virtualSizeMiB: number | null;
  readonly warning: string | null;
  release(): void;
}

export interface ImageIntake {
  /** Throws Qcow2Refused, `storage-full`. The upload's file stays; remove it once the books name the manifest. */
  take(image: UploadedImage, onProgress: (percent: number) => void): Promise<TakenImage>;
}
