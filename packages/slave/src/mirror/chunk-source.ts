import type { Manifest, ManifestId } from '@paravcl/shared/chunks/manifest';

/** An image version and what it consists of. */
export interface KnownImage {
  readonly id: ManifestId;
  readonly manifest: Manifest;
}

/** Where chunks come from that this host lacks: other mirrors and the master. */
export interface ChunkSource {
  /**
   * The bytes of one chunk, inflated, of the right length, their SHA-256 as the manifest says. Asking again while
   * it is under way shares the transfer; `urgent` then raises it. Throws ChunkUnavailable when nobody could give it in
   * time: ask again later.
   */
  fetch(image: KnownImage, index: number, urgent: boolean): Promise<Buffer>;
  /** The manifest with this id, checked against it. Throws ManifestMissing when the site has none, ChunkUnavailable when nobody can be asked. */
  manifest(id: ManifestId): Promise<Manifest>;
  /** This host uses the image from now on: the master is told, and sends who else has it. Quiet when it is known. */
  opened(image: KnownImage): void;
  closed(id: ManifestId): void;
}

/** Nobody could be asked, or nobody answered in time. It heals by itself. */
export class ChunkUnavailable extends Error {
  override readonly name = 'ChunkUnavailable';
}

/** The site has no such image version. */
export class ManifestMissing extends Error {
  override readonly name = 'ManifestMissing';
}
