import { chunkCount, chunkHash, isZeroChunk, type ManifestId } from '@paravcl/shared/chunks/manifest';
import { setImmediate as turnOfTheLoop } from 'node:timers/promises';
import { StoreDamaged, type ManifestShelf } from './manifest-shelf';
import type { PackShelf } from './pack-shelf';

/** A chunk that a living manifest needs and the store does not have, or not as it was. */
export interface DamagedChunk {
  readonly manifest: ManifestId;
  /** Its first place in that manifest. */
  readonly index: number;
  readonly hash: Buffer;
}

export interface MissingChunks {
  readonly damaged: readonly DamagedChunk[];
  /** Living manifests that are missing or not as they were. */
  readonly damagedManifests: readonly ManifestId[];
}

const hashesAtOnce = 2048;

/** Whether a pack has the chunk and, when it is a delta, its base, and neither is known to be bad. */
export function isThere(packs: Pick<PackShelf, 'has' | 'baseOf'>, hash: Buffer, isBad: (hash: Buffer) => boolean): boolean {
  const base = packs.baseOf(hash);
  return packs.has(hash) && !isBad(hash) && (base === null || !isBad(base));
}

/** What living manifests need and `isKept` does not know; each chunk once a manifest. Manifests are read, chunks are not. */
export async function missingChunks(manifests: Pick<ManifestShelf, 'readUncached'>, live: readonly ManifestId[], isKept: (hash: Buffer) => boolean): Promise<MissingChunks> {
  const damaged: DamagedChunk[] = [];
  const damagedManifests: ManifestId[] = [];
  for (const id of new Set(live)) {
    try {
      const stored = await manifests.readUncached(id);
      if (stored === null) throw new StoreDamaged('It is missing.');
      const told = new Set<string>();
      for (let at = 0; at < chunkCount(stored.manifest); at += 1) {
        if (at % hashesAtOnce === hashesAtOnce - 1) await turnOfTheLoop();
        if (isZeroChunk(stored.manifest, at)) continue;
        const hash = chunkHash(stored.manifest, at);
        if (isKept(hash)) continue;
        const name = hash.toString('latin1');
        if (told.has(name)) continue;
        told.add(name);
        damaged.push({ manifest: id, index: at, hash: Buffer.from(hash) });
      }
    } catch (error) {
      if (!(error instanceof StoreDamaged)) throw error;
      damagedManifests.push(id);
    }
  }
  return { damaged, damagedManifests };
}
