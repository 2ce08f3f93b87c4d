import { chunkCount, chunkHash, isZeroChunk, type ManifestId } from '@paravcl/shared/chunks/manifest';
import { setImmediate as turnOfTheLoop } from 'node:timers/promises';
import type { ChunkIndex } from './chunk-index';
import { StoreDamaged, type ManifestShelf } from './manifest-shelf';
import { ObjectMissing } from './object-backend';
import { PackRefused } from './pack-format';
import type { Pack, PackShelf } from './pack-shelf';
import { isSound } from './store-sweep';
import type { SuspectChunks } from './suspect-chunks';

/** A chunk that a living manifest needs and the store does not have, or not as it was. */
export interface DamagedChunk {
  readonly manifest: ManifestId;
  /** Its first place in that manifest. */
  readonly index: number;
  readonly hash: Buffer;
}

export interface VerificationReport {
  /** That were read and hashed. */
  readonly chunks: number;
  readonly bytes: number;
  readonly damaged: readonly DamagedChunk[];
  /** Living manifests that are missing or not as they were. */
  readonly damagedManifests: readonly ManifestId[];
}

export interface VerificationProgress {
  readonly doneBytes: number;
  readonly totalBytes: number;
}

const chunksAtOnce = 16;
const hashesAtOnce = 2048;

/** Reads every pack, as the next start would find it, and hashes every chunk in it, then looks which living manifests miss one. Damaged ones become suspect as they are found; nothing else changes; it may take hours, and everything else goes on. */
export async function verifyStore(
  { packs, manifests, index, suspects }: { readonly packs: PackShelf; readonly manifests: ManifestShelf; readonly index: ChunkIndex; readonly suspects: SuspectChunks },
  live: readonly ManifestId[],
  onProgress: (progress: VerificationProgress) => void,
): Promise<VerificationReport> {
  const bad = new Map<string, Buffer>();
  const toRead = packs.all();
  const totalBytes = toRead.reduce((sum, { bytes }) => sum + bytes, 0);
  let [chunks, bytes, doneBytes] = [0, 0, 0];
  for (const pack of toRead) {
    const read = await verifyPack(packs, pack, (hash) => {
      bad.set(hash.toString('latin1'), hash);
      suspects.suspect(hash);
    });
    chunks += read.chunks;
    bytes += read.bytes;
    doneBytes += pack.bytes;
    onProgress({ doneBytes, totalBytes });
  }
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
        const name = hash.toString('latin1');
        if (told.has(name) || (index.find(hash) !== null && !bad.has(name))) continue;
        told.add(name);
        damaged.push({ manifest: id, index: at, hash: Buffer.from(hash) });
      }
    } catch (error) {
      if (!(error instanceof StoreDamaged)) throw error;
      damagedManifests.push(id);
    }
  }
  return { chunks, bytes, damaged, damagedManifests };
}

async function verifyPack(packs: PackShelf, pack: Pack, onBad: (hash: Buffer) => void): Promise<{ readonly chunks: number; readonly bytes: number }> {
  let [chunks, bytes] = [0, 0];
  try {
    for (const chunk of await packs.contentsAnew(pack)) {
      if (!(await isSound(chunk)) && packs.holds(pack, chunk)) onBad(Buffer.from(chunk.hash));
      chunks += 1;
      bytes += chunk.data.length;
      if (chunks % chunksAtOnce === 0) await turnOfTheLoop();
    }
  } catch (error) {
    // Swept meanwhile: what lived in it was hashed when it was moved.
    if (error instanceof ObjectMissing && !packs.all().includes(pack)) return { chunks, bytes };
    if (!(error instanceof PackRefused || error instanceof RangeError || error instanceof ObjectMissing)) throw error;
    // Also what can still be read: at the next start nobody would find it there.
    for (const hash of await packs.hashesIn(pack)) onBad(hash);
  }
  return { chunks, bytes };
}
