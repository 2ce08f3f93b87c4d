import type { Clock } from '@paravcl/shared/clock';
import type { ManifestId } from '@paravcl/shared/chunks/manifest';
import type { ImageHolding } from '@paravcl/shared/chunks/mirror-messages';
import type { Logger } from 'pino';
import type { ChunkSource, KnownImage } from './chunk-source';
import type { ImageLibrary, LocalImage } from './local-image';

export interface LibraryOptions {
  /** The pool: images are kept in `mirror/images`, instances' lists are read from `instances`. */
  readonly poolDir: string;
  readonly bootId: string;
  readonly clock: Clock;
  readonly log: Logger;
  readonly source: ChunkSource;
  /** Kept free in the pool for guests that grow. */
  readonly reserveMiB: number;
  readonly cacheMiB: number | null;
  readonly imageCacheDays: number;
}

/** Signatures only so far: the bodies follow. `MirrorLibrary.open` reads what is on the disk. */
export class MirrorLibrary implements ImageLibrary {
  static open(_options: LibraryOptions): Promise<MirrorLibrary> {
    return Promise.reject(new Error('The library is being built.'));
  }

  readonly poolFull: boolean = false;

  find(_id: string): StoredImage | null {
    return null;
  }

  all(): readonly StoredImage[] {
    return [];
  }

  open(_id: string): Promise<StoredImage> {
    return Promise.reject(new Error('The library is being built.'));
  }

  onChange(_listener: () => void): void {
    return;
  }

  /** Whatever of these is not wanted ahead any more may be evicted; the whole list, each time. */
  wantAhead(_ids: ReadonlySet<ManifestId>): void {
    return;
  }

  /** These were deleted from the site: they go as soon as nothing here uses them. */
  gone(_ids: readonly ManifestId[]): void {
    return;
  }

  /** Syncs everything and marks the end as clean. */
  close(): Promise<void> {
    return Promise.resolve();
  }
}

export interface StoredImage extends LocalImage, KnownImage {
  /** A reader came; call the answer when it went. Held against eviction meanwhile. */
  hold(): () => void;
  holding(bootSet: readonly number[]): ImageHolding;
}
