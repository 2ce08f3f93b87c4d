import type { Manifest, ManifestId } from '@paravcl/shared/chunks/manifest';
import { createHash } from 'node:crypto';
import { decodeChunk, encodeChunk, type StoredChunk } from './chunk-encoding';
import { ChunkIndex } from './chunk-index';
import { ManifestShelf, StoreDamaged, type StoredManifest } from './manifest-shelf';
import { isThere, missingChunks, type MissingChunks } from './missing-chunks';
import type { ObjectBackend } from './object-backend';
import { PackShelf, type StrangePack } from './pack-shelf';
import { sweepStore, type LiveManifests, type SweepReport } from './store-sweep';
import { verifyStore, type VerificationProgress, type VerificationReport } from './store-verification';
import { SuspectChunks } from './suspect-chunks';
import { SuspectList } from './suspect-list';
import { Turns } from './turns';
import { WritingSession } from './writing-session';

export interface StoreStats {
  /** As kept: packs and manifests. */
  readonly storedBytes: number;
  /** Of all contents, were each kept whole. */
  readonly logicalBytes: number;
  readonly chunks: number;
  readonly manifests: number;
  readonly packs: number;
}

/**
 * Each chunk once, by its hash, and the manifests that say what images consist of. Chunks stand in append-only packs
 * (`pack-format`), found by an index in memory that is rebuilt from the packs at every start; so there is nothing that
 * could disagree with them after a crash.
 */
export class ChunkStore {
  private readonly index = new ChunkIndex();
  private readonly turns = new Turns();
  private readonly suspects: SuspectChunks;
  private readonly suspectList: SuspectList;
  private readonly packs: PackShelf;
  private readonly manifests: ManifestShelf;
  private sweeping: Promise<unknown> = Promise.resolve();

  constructor(private readonly backend: ObjectBackend) {
    this.packs = new PackShelf(backend, this.index);
    this.manifests = new ManifestShelf(backend);
    this.suspectList = new SuspectList(backend);
    this.suspects = new SuspectChunks(() => this.suspectList.keep(() => this.suspects.all()));
  }

  /** Answers what lies in the store and is none of it, or damaged; it is left alone and not believed. */
  async open(): Promise<readonly StrangePack[]> {
    await this.backend.open();
    const strange = await this.packs.open();
    const manifests = await this.manifests.open();
    // One that was swept since is none any more.
    for (const hash of await this.suspectList.read()) if (this.packs.has(hash)) this.suspects.suspect(hash);
    return [...strange, ...manifests.map((key) => ({ key, why: 'it is no manifest' }))];
  }

  /** Gives back open files; nothing needs to be finished. */
  async close(): Promise<void> {
    await this.suspectList.settled();
    await this.backend.close();
  }

  /** On whose file system chunks take room; null when they lie on another machine. */
  get directory(): string | null {
    return this.backend.directory;
  }

  begin(): WritingSession {
    // A provider's bucket looks after its own bytes, and each look into it takes the time of a request.
    return new WritingSession(this.packs, this.manifests, this.turns, this.suspects, this.backend.directory !== null);
  }

  /** Whole, as kept where it is no delta; null when there is no such chunk. Not hashed: whoever it is sent to does that. */
  read(hash: Buffer): Promise<StoredChunk | null> {
    return this.packs.read(hash);
  }

  /** The bytes themselves; null when there is no such chunk. Throws StoreDamaged when they are not those of the hash. */
  async readChecked(hash: Buffer): Promise<Buffer | null> {
    const bytes = await this.readDecoded(hash);
    if (bytes === null) return null;
    if (bytes !== 'damaged' && sha256(bytes).equals(hash)) return bytes;
    // Where it is a delta over a damaged base, that one is found instead: once it is mended, this one may be right.
    const base = this.packs.baseOf(hash);
    if (base !== null) await this.readChecked(base);
    this.suspects.suspect(hash);
    throw new StoreDamaged(`The chunk ${hash.toString('hex')} in the store is damaged. Verify the store with repair (mirrors may have it), or upload the image again.`);
  }

  /** Null when there is none. Throws StoreDamaged. */
  manifest(id: ManifestId): Promise<StoredManifest | null> {
    return this.manifests.get(id);
  }

  /** Every manifest that is kept, whether anything names it or not. */
  manifestIds(): readonly ManifestId[] {
    return this.manifests.ids();
  }

  /** Removes what neither the books nor a writing session name; one sweep at a time. Throws StoreDamaged with nothing removed, or `storage-full` with the dead packs removed already. */
  sweep(live: LiveManifests): Promise<SweepReport> {
    const { packs, manifests, turns } = this;
    const sweep = this.sweeping.then(() => sweepStore({ packs, manifests, turns }, live));
    this.sweeping = sweep.catch(() => undefined);
    return sweep;
  }

  /** Reads and hashes everything; what is damaged is suspect from then on, and stored anew when it is put again. */
  verify(live: readonly ManifestId[], onProgress: (progress: VerificationProgress) => void): Promise<VerificationReport> {
    const { packs, manifests, suspects } = this;
    return verifyStore({ packs, manifests, suspects }, live, onProgress);
  }

  /** What these manifests lack as far as is known without reading a chunk: what no pack has, and what was found damaged before. */
  lookOver(live: readonly ManifestId[]): Promise<MissingChunks> {
    return missingChunks(this.manifests, live, (hash) => isThere(this.packs, hash, (one) => this.suspects.has(one)));
  }

  /** Keeps a good copy of a chunk in place of a damaged or missing one. Throws a RangeError when it is no better. */
  async repair(hash: Buffer, bytes: Buffer): Promise<void> {
    if (!sha256(bytes).equals(hash)) throw new RangeError(`These bytes are not those of chunk ${hash.toString('hex')}.`);
    const turn = this.turns.hold();
    try {
      await this.packs.write([{ hash: Buffer.from(hash), ...(await encodeChunk(bytes)) }], turn);
      this.suspects.acquit(hash);
    } finally {
      this.turns.release(turn);
    }
  }

  /** Writes a manifest anew that is damaged or missing; false when nothing here remembers it. */
  async repairManifest(id: ManifestId): Promise<boolean> {
    const stored = await this.manifests.get(id).catch((error: unknown) => {
      if (error instanceof StoreDamaged) return null;
      throw error;
    });
    if (stored === null) return false;
    await this.keepManifest(stored.manifest);
    return true;
  }

  /** Writes a manifest anew unless it is there and whole; its chunks are not looked for. */
  async keepManifest(manifest: Manifest): Promise<void> {
    const turn = this.turns.hold();
    try {
      await this.manifests.put(manifest, turn);
    } finally {
      this.turns.release(turn);
    }
  }

  stats(): StoreStats {
    return {
      storedBytes: this.packs.storedBytes + this.manifests.storedBytes,
      logicalBytes: this.manifests.logicalBytes,
      chunks: this.index.size,
      manifests: this.manifests.count,
      packs: this.packs.all().length,
    };
  }

  private async readDecoded(hash: Buffer): Promise<Buffer | 'damaged' | null> {
    try {
      const stored = await this.packs.read(hash);
      return stored === null ? null : await decodeChunk(stored).catch(() => 'damaged' as const);
    } catch (error) {
      if (error instanceof RangeError) return 'damaged';
      throw error;
    }
  }
}

function sha256(bytes: Buffer): Buffer {
  return createHash('sha256').update(bytes).digest();
}
