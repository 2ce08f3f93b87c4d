import { decodeManifest, encodeManifest, heldBytes, manifestHeadBytes, readManifestHead, type Manifest, type ManifestId } from '@paravcl/shared/chunks/manifest';
import { createHash } from 'node:crypto';
import { ObjectMissing, type ObjectBackend } from './object-backend';

export interface StoredManifest {
  readonly manifest: Manifest;
  /** In memory. */
  readonly heldBytes: number;
}

/** What the store keeps under this name is not what belongs there. */
export class StoreDamaged extends Error {
  override readonly name = 'StoreDamaged';
}

interface Known {
  readonly storedBytes: number;
  /** Of the content it describes. */
  readonly sizeBytes: number;
  /** At which it was last put; 0: before the start. */
  turn: number;
}

const prefix = 'manifests/';
const headsAtOnce = 16;
/** Manifests kept in memory, bytes; one of a disk with 10 GiB of data has 5 MiB. */
const cacheBytes = 64 * 1024 * 1024;

/** The manifests, each an object of its own under its id. */
export class ManifestShelf {
  private readonly known = new Map<ManifestId, Known>();
  /** The one read longest ago first. */
  private readonly cache = new Map<ManifestId, StoredManifest>();
  private cached = 0;
  /** Of an object that is being written or deleted: the next to do so waits, and a deletion that finds it known again leaves it. */
  private readonly busy = new Map<ManifestId, Promise<void>>();

  constructor(private readonly backend: ObjectBackend) {}

  /** Answers the keys that are no manifests; they are left alone. */
  async open(): Promise<readonly string[]> {
    const strange: string[] = [];
    const objects = await this.backend.list(prefix);
    for (let at = 0; at < objects.length; at += headsAtOnce) {
      await Promise.all(
        objects.slice(at, at + headsAtOnce).map(async ({ key, bytes }) => {
          const id = key.slice(prefix.length);
          const head = bytes < manifestHeadBytes || !/^[0-9a-f]{64}$/.test(id) ? null : await this.backend.read(key, 0, manifestHeadBytes);
          const sizeBytes = head === null ? null : sizeIn(head);
          if (sizeBytes === null) strange.push(key);
          else this.known.set(id, { storedBytes: bytes, sizeBytes, turn: 0 });
        }),
      );
    }
    return strange;
  }

  get count(): number {
    return this.known.size;
  }

  ids(): readonly ManifestId[] {
    return [...this.known.keys()];
  }

  get storedBytes(): number {
    return [...this.known.values()].reduce((sum, { storedBytes }) => sum + storedBytes, 0);
  }

  get logicalBytes(): number {
    return [...this.known.values()].reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  }

  /** Durable when this answers. One that is there and whole is not written again. */
  async put(manifest: Manifest, turn: number): Promise<ManifestId> {
    const encoded = encodeManifest(manifest);
    const id = idOf(encoded);
    const found = this.known.get(id);
    if (found !== undefined) found.turn = Math.max(found.turn, turn);
    if (found !== undefined && (await this.readUncached(id).catch(() => null)) !== null) return id;
    await this.alone(id, async () => {
      await this.backend.put(prefix + id, [encoded]);
      this.known.set(id, { storedBytes: encoded.length, sizeBytes: manifest.sizeBytes, turn: Math.max(turn, this.known.get(id)?.turn ?? 0) });
    });
    return id;
  }

  /** Null when there is none. Throws StoreDamaged when the object is another than its name says. */
  async get(id: ManifestId): Promise<StoredManifest | null> {
    const cached = this.cache.get(id);
    if (cached !== undefined) {
      this.cache.delete(id);
      this.cache.set(id, cached);
      return cached;
    }
    const read = await this.readUncached(id);
    if (read !== null && this.known.has(id)) this.remember(id, read);
    return read;
  }

  /** As `get`, for who reads all of them once, or wants to know what the next start would find. */
  async readUncached(id: ManifestId): Promise<StoredManifest | null> {
    const known = this.known.get(id);
    if (known === undefined) return null;
    try {
      const encoded = await this.backend.readAnew(prefix + id, 0, known.storedBytes);
      if (idOf(encoded) !== id) throw new StoreDamaged(`The manifest ${id} in the store is damaged.`);
      const manifest = decodeManifest(encoded);
      return { manifest, heldBytes: heldBytes(manifest) };
    } catch (error) {
      if (error instanceof ObjectMissing && !this.known.has(id)) return null;
      if (error instanceof ObjectMissing || error instanceof RangeError) throw new StoreDamaged(`The manifest ${id} in the store is damaged: ${error.message}`, { cause: error });
      throw error;
    }
  }

  /** Deletes all that bear an earlier turn and are not in `live`. Answers how many. */
  async deleteBefore(turn: number, live: ReadonlySet<ManifestId>): Promise<number> {
    let deleted = 0;
    for (const id of [...this.known.keys()]) {
      const known = this.known.get(id);
      if (known === undefined || known.turn >= turn || live.has(id)) continue;
      // From here on it is not there; who puts it again waits until the object is gone.
      this.known.delete(id);
      this.forget(id);
      await this.alone(id, async () => {
        // Put again meanwhile by somebody who was in line before us.
        if (!this.known.has(id)) await this.backend.delete(prefix + id);
      }).catch((error: unknown) => {
        if (!this.known.has(id)) this.known.set(id, known);
        throw error;
      });
      deleted += 1;
    }
    return deleted;
  }

  private async alone(id: ManifestId, work: () => Promise<void>): Promise<void> {
    const before = this.busy.get(id) ?? Promise.resolve();
    const mine = before.then(work, work);
    this.busy.set(id, mine);
    try {
      await mine;
    } finally {
      if (this.busy.get(id) === mine) this.busy.delete(id);
    }
  }

  private remember(id: ManifestId, stored: StoredManifest): void {
    this.forget(id);
    this.cache.set(id, stored);
    this.cached += stored.heldBytes;
    for (const oldest of this.cache.keys()) {
      if (this.cached <= cacheBytes || oldest === id) break;
      this.forget(oldest);
    }
  }

  private forget(id: ManifestId): void {
    this.cached -= this.cache.get(id)?.heldBytes ?? 0;
    this.cache.delete(id);
  }
}

function idOf(encoded: Buffer): ManifestId {
  return createHash('sha256').update(encoded).digest('hex');
}

function sizeIn(head: Buffer): number | null {
  try {
    return readManifestHead(head).sizeBytes;
  } catch {
    return null;
  }
}
