import type { AccessPattern, Recording } from '@paravcl/shared/chunks/access-pattern';
import type { Manifest, ManifestId } from '@paravcl/shared/chunks/manifest';
import type { ImageHolding, PreCopy } from '@paravcl/shared/chunks/mirror-messages';

/** What the mirror of one host said last. */
export interface MirrorStanding {
  readonly slaveId: string;
  readonly connected: boolean;
  readonly images: readonly ImageHolding[];
  readonly poolFull: boolean;
}

/** The mirrors of the site as the services see them; implemented by the edge that holds their connections. */
export interface MirrorFleet {
  /** Of every host whose mirror was connected since the master's start. */
  standings(): ReadonlyMap<string, MirrorStanding>;
  /** Everything that is to be on this host ahead of need; sent when it changed, and at each welcome. */
  setPreCopy(slaveId: string, images: readonly { readonly manifest: ManifestId; readonly what: PreCopy }[]): void;
  /** The pattern of this version is another one now: told to all who have it open. */
  patternChanged(manifest: ManifestId, pattern: AccessPattern): void;
  /** Versions that were deleted. */
  gone(manifests: readonly ManifestId[]): void;
  /** Of an image that a mirror has open; null when none has. */
  openManifest(manifest: ManifestId): Manifest | null;
  /** One chunk from any mirror that has it, its hash checked; null when nobody could give it. For repair. */
  fetchFromMirrors(manifest: ManifestId, index: number): Promise<Buffer | null>;
  /** Calls back when a standing changed; the receiver looks at all of them. */
  onChange(listener: () => void): void;
}

/** What was found damaged in the master's store. */
export interface FoundDamage {
  /** Chunks. */
  readonly damaged: number;
  /** Those of them that came back from mirrors. */
  readonly mended: number;
  /** Versions of which they are. */
  readonly manifests: readonly ManifestId[];
}

/** What the edge asks of the services when a mirror speaks. */
export interface MirrorBooks {
  /** Null when no version that may be given out has this manifest, or this slave may not have it (core/image-grant). */
  imageOf(manifest: ManifestId, slaveId: string): Promise<{ readonly imageId: string; readonly pattern: AccessPattern } | null>;
  /** Answers why nothing is kept of it, where its guest has left that version or host since; null else. */
  recorded(manifest: ManifestId, slaveId: string, instanceId: string, recording: Recording): Promise<string | null>;
  /** Chunks of the master's store were damaged: an event for the operators. */
  storeDamaged(found: FoundDamage): Promise<void>;
  /** A manifest that the store had lost came back from this slave's mirror: an event for the operators. */
  manifestCameBack(manifest: ManifestId, slaveId: string): Promise<void>;
  /** A mirror gave wrong bytes: an event for the operators. Null: to the master itself. */
  gaveWrongBytes(slaveId: string, manifest: ManifestId, toldBySlaveId: string | null): Promise<void>;
}
