import type { Clock } from '@paravcl/shared/clock';
import { indexOfManifestPart } from '@paravcl/shared/chunks/frames';
import type { Manifest, ManifestId } from '@paravcl/shared/chunks/manifest';
import { ManifestAssembly, mostPartBytes } from '@paravcl/shared/chunks/manifest-parts';
import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { inflateRaw } from 'node:zlib';
import type { MirrorBooks } from '../services/mirror-fleet';
import type { ChunkStore } from '../store/chunk-store';
import type { StoredManifest } from '../store/manifest-shelf';
import type { MirrorPresence } from './shared-image';

const inflate = promisify(inflateRaw);

const partWithinMs = 20_000;

export interface ManifestHealingParts {
  readonly clock: Clock;
  readonly log: { warn(fields: object, message: string): void };
  readonly store: Pick<ChunkStore, 'manifest' | 'keepManifest'>;
  readonly books: Pick<MirrorBooks, 'manifestCameBack'>;
}

/**
 * Gets back a manifest that the books name and the store has lost, or has damaged, from a mirror that opens the image: it is asked for one
 * part after another, as mirrors ask each other. Nothing is kept whose SHA-256 is not the id, so no mirror is taken at its word.
 */
export class ManifestHealing {
  private readonly underWay = new Set<ManifestId>();

  constructor(private readonly parts: ManifestHealingParts) {}

  /** Of the store. Null when it has none that can be read: then this mirror, which opens the image on this channel, is asked for it meanwhile. */
  async found(id: ManifestId, presence: MirrorPresence, channel: number): Promise<StoredManifest | null> {
    const { store, log } = this.parts;
    const stored = await store.manifest(id).catch((error: unknown) => {
      log.warn({ err: error, manifest: id }, 'the manifest of an image cannot be read');
      return null;
    });
    if (stored === null) this.begin(id, presence, channel);
    return stored;
  }

  /** Nobody waits for the end: the mirror opens the image again by itself, and may have more to say until then than is read while we wait for it. */
  private begin(id: ManifestId, presence: MirrorPresence, channel: number): void {
    if (this.underWay.has(id)) return;
    this.underWay.add(id);
    this.heal(id, presence, channel)
      .catch((error: unknown) => this.parts.log.warn({ err: error, manifest: id }, 'a manifest that the store has lost could not be got back'))
      .finally(() => this.underWay.delete(id));
  }

  private async heal(id: ManifestId, presence: MirrorPresence, channel: number): Promise<void> {
    const manifest = await this.fetch(id, presence, channel);
    if (manifest === null) return;
    const { store, books, log } = this.parts;
    await store.keepManifest(manifest);
    log.warn({ manifest: id, slaveId: presence.slaveId }, 'a manifest that the store had lost came back from a mirror');
    await books.manifestCameBack(id, presence.slaveId);
  }

  private async fetch(id: ManifestId, presence: MirrorPresence, channel: number): Promise<Manifest | null> {
    const [assembly, sha256] = [new ManifestAssembly(), createHash('sha256')];
    while (assembly.taken < assembly.count) {
      const part = await this.part(presence, channel, assembly.taken);
      if (part === null) return null;
      try {
        assembly.take(part);
      } catch (error) {
        if (error instanceof RangeError) return null;
        throw error;
      }
      sha256.update(part);
    }
    return sha256.digest('hex') === id ? assembly.soFar : null;
  }

  private async part(presence: MirrorPresence, channel: number, part: number): Promise<Buffer | null> {
    const { number, answer } = presence.ask({ channel, index: indexOfManifestPart(part), urgent: true, insist: true });
    const cancelDeadline = this.parts.clock.after(partWithinMs, () => presence.cancel(number));
    const found = await answer;
    cancelDeadline();
    if (found.kind !== 'chunk') return null;
    return found.encoding === 'plain' ? found.data : inflate(found.data, { maxOutputLength: mostPartBytes }).catch(() => null);
  }
}
