import type { ImageHolding } from '@paravcl/shared/chunks/mirror-messages';
import type { KnownImage } from './chunk-source';

/** An image version on this host, whole or in part: what readers, peers, prefetch and pre-copy work on. */
export interface LocalImage extends KnownImage {
  /** `length` bytes from `offset`; what is missing is fetched, checked, kept. Throws ChunkUnavailable. */
  read(offset: number, length: number): Promise<Buffer>;
  /** One chunk as it is here, for others: hashed as it is read; null when it is missing or rotted. */
  held(index: number): Promise<Buffer | null>;
  /** One chunk from here or from the source, kept. Throws ChunkUnavailable. */
  obtain(index: number, urgent: boolean): Promise<Buffer>;
  /** Whether the chunk is here, as far as is known without reading it. */
  has(index: number): boolean;
  /** A bit for each chunk that is here, lowest bit of the first byte first; a copy. */
  present(): Buffer;
  /** `bootSet`: the pattern's boot chunks, or none. */
  holding(bootSet: readonly number[]): ImageHolding;
}

/** The images of this host. */
export interface ImageLibrary {
  /** One that is here; null when there is not even its manifest. Never fetches. */
  find(id: string): LocalImage | null;
  /** As `find`, but one that is just being opened is waited for. */
  soon(id: string): Promise<LocalImage | null>;
  all(): readonly LocalImage[];
  /** Brings at least the manifest and lets it be served; shared by concurrent callers. Throws as ChunkSource.manifest does. */
  open(id: string): Promise<LocalImage>;
  /** True while chunks cannot be kept for want of room; nothing is fetched ahead meanwhile. */
  readonly poolFull: boolean;
  /** Calls back when an image came, went, got chunks or the room changed; at most once a second. */
  onChange(listener: () => void): void;
}
