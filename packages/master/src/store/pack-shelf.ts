import { randomBytes } from 'node:crypto';
import { setImmediate as turnOfTheLoop } from 'node:timers/promises';
import type { StoredChunk } from './chunk-encoding';
import { indexParts, type ChunkIndex, type ChunkPlace } from './chunk-index';
import { ObjectMissing, type ObjectBackend } from './object-backend';
import { buildPack, packHead, PackRefused, packTableBytes, packTailBytes, parsePackTable, type KeptChunk, type PackEntry } from './pack-format';

export interface Pack {
  readonly number: number;
  readonly key: string;
  /** Of the whole object. */
  readonly bytes: number;
  /** Of the chunks in it. */
  readonly chunkBytes: number;
  /** Chunks that the index finds here, and their bytes; the others were superseded or forgotten. */
  usedChunks: number;
  usedBytes: number;
}

/** An object among the packs that is none, or not whole. It is left where it is and not believed. */
export interface StrangePack {
  readonly key: string;
  readonly why: string;
}

/** A chunk with where it stands. */
export interface MovingChunk extends KeptChunk {
  readonly from: ChunkPlace;
}

const prefix = 'packs/';
const packKey = /^packs\/[0-9a-f]{8}-[0-9a-f]{16}$/;
/** Tables read at a time when the store is opened. */
const tablesAtOnce = 16;
/** Read at the end of each pack: most tables are shorter. */
const likelyTableBytes = 64 * 1024;
/** A chunk that moves while it is read is looked up again; more often than this it cannot have moved. */
const lookUps = 5;

/**
 * The packs and the index over them.
 *
 * Invariants: the index names only packs that are durable. Of two packs with the same chunk the one with the higher
 * number counts, now and after every start: numbers grow, and stand in the packs' names.
 */
export class PackShelf {
  private readonly packs = new Map<number, Pack>();
  private lastNumber = 0;

  constructor(
    private readonly backend: ObjectBackend,
    private readonly index: ChunkIndex,
  ) {}

  /** Rebuilds the index from the packs' tables. */
  async open(): Promise<readonly StrangePack[]> {
    const objects = await this.backend.list(prefix);
    const strange: StrangePack[] = [];
    for (let at = 0; at < objects.length; at += tablesAtOnce) {
      const tables = await Promise.all(objects.slice(at, at + tablesAtOnce).map(async (object) => ({ ...object, found: await this.table(object.key, object.bytes) })));
      for (const { key, bytes, found } of tables) {
        this.lastNumber = Math.max(this.lastNumber, numberOf(key));
        if (typeof found === 'string') strange.push({ key, why: found });
        else this.register({ key, bytes, number: numberOf(key) }, found, 0);
      }
    }
    return strange;
  }

  get storedBytes(): number {
    return [...this.packs.values()].reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** Those that are there now, in the order in which they were made. */
  all(): readonly Pack[] {
    return [...this.packs.values()];
  }

  /** Writes a pack; when this answers its chunks are durable and found, with at least this turn. */
  async write(chunks: readonly KeptChunk[], turn: number): Promise<void> {
    const { pack, entries } = await this.store(chunks);
    this.register(pack, entries, turn);
  }

  /** Writes chunks that stood elsewhere; each is found at its new place unless it has moved or gone meanwhile. Answers the bytes of the pack. */
  async move(chunks: readonly MovingChunk[]): Promise<number> {
    const { pack, entries } = await this.store(chunks);
    const stillThere = entries.filter(({ hash }, at) => {
      const [now, from] = [this.index.find(hash), chunks[at]?.from];
      return now !== null && now.pack === from?.pack && now.offset === from.offset;
    });
    this.register(pack, stillThere, 0, entries);
    return pack.bytes;
  }

  /** As kept; null when there is no such chunk. */
  async read(hash: Buffer): Promise<StoredChunk | null> {
    for (let attempt = 1; ; attempt += 1) {
      const place = this.index.find(hash);
      const pack = place === null ? undefined : this.packs.get(place.pack);
      if (place === null || pack === undefined) return null;
      try {
        return { encoding: place.encoding, data: await this.backend.read(pack.key, place.offset, place.length) };
      } catch (error) {
        if (!(error instanceof ObjectMissing) || attempt === lookUps) throw error;
      }
    }
  }

  /** Every chunk that the index finds in this pack, as it is there; views of one buffer. Throws ObjectMissing when the pack is gone, PackRefused when it was changed. */
  async contents(pack: Pack): Promise<readonly MovingChunk[]> {
    return this.found(pack, await this.backend.read(pack.key, 0, pack.bytes));
  }

  /** As `contents`, of what the next start would find under the pack's name. */
  async contentsAnew(pack: Pack): Promise<readonly MovingChunk[]> {
    return this.found(pack, await this.backend.readAnew(pack.key, 0, pack.bytes));
  }

  /** Whether the index finds the chunk in this very place. */
  holds(pack: Pack, { hash, from }: MovingChunk): boolean {
    return this.isAt({ hash, offset: from.offset }, pack);
  }

  /** Hashes of everything the index finds in this pack, without asking the pack: its table may be damaged. */
  async hashesIn(pack: Pack): Promise<readonly Buffer[]> {
    const found: Buffer[] = [];
    for (let part = 0; part < indexParts; part += 1) {
      found.push(...this.index.hashesIn(pack.number, part));
      await turnOfTheLoop();
    }
    return found;
  }

  /** Takes from one part of the index what bears an earlier turn. */
  forgetBefore(turn: number, part: number): number {
    let forgotten = 0;
    this.index.forgetBefore(turn, part, (place) => {
      forgotten += 1;
      this.unused(place);
    });
    return forgotten;
  }

  /** Deletes packs in which nothing is found any more; that cannot change again, because packs do. Answers their bytes. */
  async deleteUnused(): Promise<{ readonly packs: number; readonly bytes: number }> {
    let [packs, bytes] = [0, 0];
    for (const pack of this.all().filter(({ usedChunks }) => usedChunks === 0)) {
      await this.backend.delete(pack.key);
      this.packs.delete(pack.number);
      packs += 1;
      bytes += pack.bytes;
    }
    return { packs, bytes };
  }

  private async store(chunks: readonly KeptChunk[]): Promise<{ readonly pack: Pick<Pack, 'key' | 'bytes' | 'number'>; readonly entries: readonly PackEntry[] }> {
    const { pieces, entries } = buildPack(chunks);
    this.lastNumber += 1;
    const number = this.lastNumber;
    // The random part: a request that an earlier master left on its way to an object store must not hit this pack.
    const key = `${prefix}${number.toString(16).padStart(8, '0')}-${randomBytes(8).toString('hex')}`;
    await this.backend.put(key, pieces);
    return { pack: { key, number, bytes: pieces.reduce((sum, piece) => sum + piece.length, 0) }, entries };
  }

  private register({ key, bytes, number }: Pick<Pack, 'key' | 'bytes' | 'number'>, found: readonly PackEntry[], turn: number, entries = found): void {
    const pack: Pack = { number, key, bytes, chunkBytes: entries.reduce((sum, { length }) => sum + length, 0), usedChunks: 0, usedBytes: 0 };
    this.packs.set(number, pack);
    for (const { hash, offset, length, encoding } of found) {
      const before = this.index.find(hash);
      // A pack that was begun later may have been ready first.
      if (before !== null && before.pack > number) {
        this.index.meet(hash, turn);
        continue;
      }
      this.index.set(hash, { pack: number, offset, length, encoding }, turn);
      if (before !== null) this.unused(before);
      pack.usedChunks += 1;
      pack.usedBytes += length;
    }
  }

  private unused(place: ChunkPlace): void {
    const pack = this.packs.get(place.pack);
    if (pack === undefined) return;
    pack.usedChunks -= 1;
    pack.usedBytes -= place.length;
  }

  private found(pack: Pack, bytes: Buffer): readonly MovingChunk[] {
    const table = parsePackTable(bytes.subarray(bytes.length - packTableBytes(bytes, bytes.length)), bytes.length);
    return table.filter((entry) => this.isAt(entry, pack)).map(({ hash, offset, length, encoding }) => ({ hash, encoding, data: bytes.subarray(offset, offset + length), from: { pack: pack.number, offset, length, encoding } }));
  }

  private isAt({ hash, offset }: Pick<PackEntry, 'hash' | 'offset'>, pack: Pack): boolean {
    const place = this.index.find(hash);
    return place?.pack === pack.number && place.offset === offset;
  }

  /** The table of a pack, or why it is none. A fault of the backend is thrown: it says nothing about the pack. */
  private async table(key: string, bytes: number): Promise<readonly PackEntry[] | string> {
    try {
      if (!packKey.test(key)) return 'its name is not one of a pack';
      if (bytes < packHead.length + packTailBytes) return 'it is shorter than any pack';
      const likely = Math.min(bytes, likelyTableBytes);
      const end = await this.backend.read(key, bytes - likely, likely);
      const wanted = packTableBytes(end, bytes);
      const table = wanted <= likely ? end.subarray(likely - wanted) : await this.backend.read(key, bytes - wanted, wanted);
      return parsePackTable(table, bytes);
    } catch (error) {
      if (error instanceof PackRefused || error instanceof RangeError) return error.message;
      throw error;
    }
  }
}

/** 0 for what is not named as a pack is. */
function numberOf(key: string): number {
  return packKey.test(key) ? parseInt(key.slice(prefix.length), 16) : 0;
}
