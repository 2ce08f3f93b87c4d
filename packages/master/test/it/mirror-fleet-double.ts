import type { AccessPattern } from '@paravcl/shared/chunks/access-pattern';
import type { ManifestId } from '@paravcl/shared/chunks/manifest';
import type { ImageHolding, PreCopy } from '@paravcl/shared/chunks/mirror-messages';
import type { MirrorFleet, MirrorStanding } from '../../src/services/mirror-fleet';

/** Mirrors as the services see them: what they were told to bring is kept; what nobody expected throws. */
export class MirrorFleetDouble implements MirrorFleet {
  private readonly said = new Map<string, MirrorStanding>();
  private readonly wanted = new Map<string, readonly string[]>();
  private readonly listeners: (() => void)[] = [];
  /** Expected when it is set. */
  onPattern: ((manifest: ManifestId, pattern: AccessPattern) => void) | null = null;

  /** The mirror of this slave says what it has. */
  says(slaveId: string, images: readonly ImageHolding[], facts: Partial<Pick<MirrorStanding, 'connected' | 'poolFull'>> = {}): void {
    this.said.set(slaveId, { slaveId, images, connected: true, poolFull: false, ...facts });
    for (const listener of this.listeners) listener();
  }

  /** What this slave is to have ahead of need, as it was told last: "boot-set aaaa". */
  wantedOn(slaveId: string): readonly string[] | undefined {
    return this.wanted.get(slaveId);
  }

  standings(): ReadonlyMap<string, MirrorStanding> {
    return this.said;
  }
  setPreCopy(slaveId: string, images: readonly { readonly manifest: ManifestId; readonly what: PreCopy }[]): void {
    this.wanted.set(slaveId, images.map(({ manifest, what }) => `${what} ${manifest.slice(0, 4)}`));
  }
  patternChanged(manifest: ManifestId, pattern: AccessPattern): void {
    if (this.onPattern === null) throw new Error(`Nobody expected another pattern of ${manifest}.`);
    this.onPattern(manifest, pattern);
  }
  gone(manifests: readonly ManifestId[]): void {
    throw new Error(`Nobody expected that ${manifests.join(', ')} is gone.`);
  }
  openManifest(): null {
    return null;
  }
  fetchFromMirrors(manifest: ManifestId, index: number): Promise<Buffer | null> {
    throw new Error(`Nobody expected chunk ${index} of ${manifest} to be asked for.`);
  }
  onChange(listener: () => void): void {
    this.listeners.push(listener);
  }
}

/** Of 100 chunks, 10 of which a boot reads. */
export function holding(manifest: ManifestId, presentChunks: number, presentBootChunks = 0, totalBootChunks = 10): ImageHolding {
  return { manifest, presentChunks, totalChunks: 100, presentBootChunks, totalBootChunks, complete: presentChunks === 100 };
}
