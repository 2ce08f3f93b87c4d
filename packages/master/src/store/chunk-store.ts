import type { ChunkEncoding } from '@paravcl/shared/chunks/frames';
import type { Manifest, ManifestId } from '@paravcl/shared/chunks/manifest';

/** A chunk as it is kept and sent. */
export interface StoredChunk {
  readonly encoding: ChunkEncoding;
  readonly data: Buffer;
}

export interface StoredManifest {
  readonly manifest: Manifest;
  readonly encoded: Buffer;
}

/** The manifests that something still names, read from the books when it is called. */
export type LiveManifests = () => Promise<readonly ManifestId[]>;

/** A writer's hold on the store: what it put or merely met stays until `release`, whatever a sweep finds. */
export interface WritingSession {
  /** Keeps these bytes, whose SHA-256 is `hash`, unless they are there already. Not durable before `flush`. */
  put(hash: Buffer, bytes: Buffer): Promise<void>;
  /** Everything put so far is durable and readable. */
  flush(): Promise<void>;
  /** Flushes and keeps the manifest, durably. */
  putManifest(manifest: Manifest): Promise<ManifestId>;
  /** To be called once the books name the manifest, or once it is given up. */
  release(): void;
}

export interface ChunkStore {
  open(): Promise<unknown>;
  begin(): WritingSession;
  /** As kept; null when the store has no such chunk. Not hashed: who gets it does. */
  read(hash: Buffer): Promise<StoredChunk | null>;
  /** The bytes themselves, their hash checked. */
  readChecked(hash: Buffer): Promise<Buffer | null>;
  manifest(id: ManifestId): Promise<StoredManifest | null>;
}
