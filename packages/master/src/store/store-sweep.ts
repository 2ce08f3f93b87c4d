import { chunkCount, chunkHash, isZeroChunk, type ManifestId } from '@paravcl/shared/chunks/manifest';
import { setImmediate as turnOfTheLoop } from 'node:timers/promises';
import { indexParts } from './chunk-index';
import { soundnessOf } from './chunk-soundness';
import { StoreDamaged, type ManifestShelf } from './manifest-shelf';
import { ObjectMissing } from './object-backend';
import { mostPackBytes, mostPackChunks, PackRefused } from './pack-format';
import type { MovingChunk, Pack, PackShelf } from './pack-shelf';
import type { Turns } from './turns';

/** The manifests that something still names, read from the books when it is called. */
export type LiveManifests = () => Promise<readonly ManifestId[]>;

export interface SweepReport {
  readonly deletedManifests: number;
  /** Chunks nothing names, taken from the index. */
  readonly forgottenChunks: number;
  readonly deletedPacks: number;
  readonly freedBytes: number;
  /** Packs whose living part was written anew. */
  readonly rewrittenPacks: number;
  /** Chunks of living manifests that the store does not have: verify, and repair. */
  readonly missingChunks: number;
  /** Packs that were to be rewritten and were left alone because a chunk in them is damaged, or all of it is gone. */
  readonly damagedPacks: readonly string[];
}

/** A pack with less than this part of it in use is written anew. */
const worthKeeping = 0.7;
/** Between two turns of the event loop: a heartbeat never waits long for us. */
const hashesAtOnce = 2048;
const chunksAtOnce = 16;

interface Shelves {
  readonly packs: PackShelf;
  readonly manifests: ManifestShelf;
  readonly turns: Turns;
}

/**
 * Mark and sweep. The turn is taken first, the books are read after it, and everything of that turn or later stays: see
 * Turns. Every chunk of a living manifest is marked with that turn, and with a delta its base; then what bears an earlier one goes.
 *
 * A chunk leaves the index in the moment it is decided upon, so who puts it a moment later stores it anew. Packs are
 * deleted only when the index finds nothing in them, and what moves is durable at its new place before: wherever this
 * is cut short, the next start finds everything that lives. Throws StoreDamaged, with nothing deleted, when a living
 * manifest cannot be read.
 */
export async function sweepStore({ packs, manifests, turns }: Shelves, liveManifests: LiveManifests): Promise<SweepReport> {
  const turn = turns.oldestHeld();
  const live = new Set(await liveManifests());
  let missingChunks = 0;
  for (const id of live) missingChunks += await mark(id, { manifests, packs }, turn);
  const deletedManifests = await manifests.deleteBefore(turn, live);
  let forgottenChunks = 0;
  for (let part = 0; part < indexParts; part += 1) {
    forgottenChunks += packs.forgetBefore(turn, part);
    await turnOfTheLoop();
  }
  const dead = await packs.deleteUnused();
  const { writtenBytes, ...rewritten } = await rewrite(packs);
  const emptied = await packs.deleteUnused();
  return { deletedManifests, forgottenChunks, deletedPacks: dead.packs, freedBytes: dead.bytes + emptied.bytes - writtenBytes, missingChunks, ...rewritten };
}

async function mark(id: ManifestId, { manifests, packs }: Pick<Shelves, 'manifests' | 'packs'>, turn: number): Promise<number> {
  const stored = await manifests.readUncached(id);
  if (stored === null) throw new StoreDamaged(`The store lacks the manifest ${id}, which an image names. Nothing was swept; restore it from a backup, or delete that image.`);
  const { manifest } = stored;
  let missing = 0;
  for (let at = 0; at < chunkCount(manifest); at += 1) {
    if (!isZeroChunk(manifest, at) && !packs.meet(chunkHash(manifest, at), turn)) missing += 1;
    if (at % hashesAtOnce === hashesAtOnce - 1) await turnOfTheLoop();
  }
  return missing;
}

/** Gathers what lives in packs that are mostly dead into new ones. Without room for those it leaves the old ones as they are, and throws. */
async function rewrite(packs: PackShelf): Promise<Pick<SweepReport, 'rewrittenPacks' | 'damagedPacks'> & { readonly writtenBytes: number }> {
  const sparse = packs.all().filter(({ usedBytes, chunkBytes }) => usedBytes < worthKeeping * chunkBytes);
  const damagedPacks: string[] = [];
  let writtenBytes = 0;
  let gathered: MovingChunk[] = [];
  let gatheredBytes = 0;
  for (const pack of sparse) {
    const living = await soundContents(packs, pack);
    if (living === null) {
      damagedPacks.push(pack.key);
      continue;
    }
    for (const chunk of living) {
      gathered.push(chunk);
      gatheredBytes += chunk.data.length;
      if (gatheredBytes < mostPackBytes && gathered.length < mostPackChunks) continue;
      writtenBytes += await packs.move(gathered);
      gathered = [];
      gatheredBytes = 0;
    }
  }
  if (gathered.length > 0) writtenBytes += await packs.move(gathered);
  return { rewrittenPacks: sparse.length - damagedPacks.length, damagedPacks, writtenBytes };
}

/** Null when it is gone, or a chunk in it is not what its hash says: copying it would only hide which copy is the bad one. */
async function soundContents(packs: PackShelf, pack: Pack): Promise<readonly MovingChunk[] | null> {
  try {
    const copies: MovingChunk[] = [];
    for (const chunk of await packs.contents(pack)) {
      if ((await soundnessOf(chunk, packs)) !== 'sound') return null;
      copies.push(copyOf(chunk));
      if (copies.length % chunksAtOnce === 0) await turnOfTheLoop();
    }
    return copies;
  } catch (error) {
    if (error instanceof RangeError || error instanceof PackRefused || error instanceof ObjectMissing) return null;
    throw error;
  }
}

/** Views would keep the whole pack in memory. */
function copyOf(chunk: MovingChunk): MovingChunk {
  const copied = { hash: Buffer.from(chunk.hash), data: Buffer.from(chunk.data), from: chunk.from };
  return chunk.encoding === 'delta' ? { ...copied, encoding: chunk.encoding, base: Buffer.from(chunk.base) } : { ...copied, encoding: chunk.encoding };
}
