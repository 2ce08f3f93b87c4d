import type { ManifestId } from '@paravcl/shared/chunks/manifest';
import { setImmediate as turnOfTheLoop } from 'node:timers/promises';
import { soundnessOf } from './chunk-soundness';
import type { ManifestShelf } from './manifest-shelf';
import { isThere, missingChunks, type MissingChunks } from './missing-chunks';
import { ObjectMissing } from './object-backend';
import { PackRefused } from './pack-format';
import type { Pack, PackShelf } from './pack-shelf';
import type { SuspectChunks } from './suspect-chunks';

export interface VerificationReport extends MissingChunks {
  /** That were read and hashed. */
  readonly chunks: number;
  readonly bytes: number;
}

export interface VerificationProgress {
  readonly doneBytes: number;
  readonly totalBytes: number;
}

const chunksAtOnce = 16;

/** Reads every pack, as the next start would find it, and hashes every chunk in it, deltas over their bases, then looks which living manifests miss one: with a damaged base its deltas are missing too. Damaged ones become suspect as they are found; nothing else changes; it may take hours, and everything else goes on. */
export async function verifyStore(
  { packs, manifests, suspects }: { readonly packs: PackShelf; readonly manifests: ManifestShelf; readonly suspects: SuspectChunks },
  live: readonly ManifestId[],
  onProgress: (progress: VerificationProgress) => void,
): Promise<VerificationReport> {
  const bad = new Set<string>();
  const toRead = packs.all();
  const totalBytes = toRead.reduce((sum, { bytes }) => sum + bytes, 0);
  let [chunks, bytes, doneBytes] = [0, 0, 0];
  for (const pack of toRead) {
    const read = await verifyPack(packs, pack, (hash) => {
      bad.add(hash.toString('latin1'));
      suspects.suspect(hash);
    });
    chunks += read.chunks;
    bytes += read.bytes;
    doneBytes += pack.bytes;
    onProgress({ doneBytes, totalBytes });
  }
  const missing = await missingChunks(manifests, live, (hash) => isThere(packs, hash, (one) => bad.has(one.toString('latin1'))));
  return { chunks, bytes, ...missing };
}

async function verifyPack(packs: PackShelf, pack: Pack, onBad: (hash: Buffer) => void): Promise<{ readonly chunks: number; readonly bytes: number }> {
  let [chunks, bytes] = [0, 0];
  try {
    for (const chunk of await packs.contentsAnew(pack)) {
      const soundness = await soundnessOf(chunk, packs);
      // It moved, or was superseded, meanwhile.
      const isHere = soundness === 'sound' || packs.holds(pack, chunk);
      if (soundness === 'damaged' && isHere) onBad(Buffer.from(chunk.hash));
      if (soundness === 'base-damaged' && isHere && chunk.encoding === 'delta') onBad(Buffer.from(chunk.base));
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
