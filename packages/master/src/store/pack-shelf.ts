import { randomBytes } from 'node:crypto';
import { setImmediate as turnOfTheLoop } from 'node:timers/promises';
import { applyDelta } from './chunk-delta';
import { decodeChunk, type StoredChunk } from './chunk-encoding';
import { indexParts, type ChunkIndex, type ChunkPlace } from './chunk-index';
import { DeltaBases } from './delta-bases';
import { ObjectMissing, type ObjectBackend } from './object-backend';
import { buildPack, packHead, PackRefused, packTableBytes, packTailBytes, parsePackTable, type KeptChunk, type PackEntry } from './pack-format';

export interface Pack {
  readonly number: number;
  readonly key: string;
  /** Of the whole object. */
  readonly bytes: number;
  /** Of the chunks in it. */
  readonly chunkBytes: number;
  readonly bases: DeltaBases;
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
export type MovingChunk = KeptChunk & { readonly from: ChunkPlace };

/** Where a chunk stands, and where its base does when it is a delta. */
interface Standing {
  readonly key: string;
  readonly place: ChunkPlace;
  readonly base: (Pick<Standing, 'key' | 'place'> & { readonly hash: Buffer }) | null;
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
 *
 * The base of a delta is whole, and stays so while the delta is there: no chunk that is there is written as a delta. So a pack with deltas is
 * put together only when all packs of lower numbers are found. A delta whose base is gone or no whole chunk is not there.
 */
export class PackShelf {
  private readonly packs = new Map<number, Pack>();
  private lastNumber = 0;
  /** Packs on their way to the backend. */
  private readonly underWay = new Set<Promise<unknown>>();

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

  /** Whether it is there, and can be given as far as the index knows. */
  has(hash: Buffer): boolean {
    return this.standing(hash) !== null;
  }

  /** Whether the chunk is there; its turn, and that of its base, becomes at least this one. */
  meet(hash: Buffer, turn: number): boolean {
    const standing = this.standing(hash);
    if (standing === null) return false;
    this.index.meet(hash, turn);
    if (standing.base !== null) this.index.meet(standing.base.hash, turn);
    return true;
  }

  /** The chunk that this one is kept as the difference to; null when it is whole, or not there. */
  baseOf(hash: Buffer): Buffer | null {
    return this.standing(hash)?.base?.hash ?? null;
  }

  /** Writes a pack; when this answers its chunks are durable and found, with at least this turn. */
  async write(chunks: readonly KeptChunk[], turn: number): Promise<void> {
    // Another writer may have kept one of the deltas meanwhile.
    await this.put(chunks, (chunk) => chunk.encoding === 'delta' && this.meet(chunk.hash, turn), ({ pack, entries }) => this.register(pack, entries, turn));
  }

  /** Writes chunks that stood elsewhere; each is found at its new place unless it has moved or gone meanwhile. Answers the bytes of the pack. */
  async move(chunks: readonly MovingChunk[]): Promise<number> {
    const from = new Map(chunks.map((chunk) => [chunk.hash.toString('latin1'), chunk.from]));
    const stillThere = (hash: Buffer): boolean => {
      const [now, before] = [this.index.find(hash), from.get(hash.toString('latin1'))];
      return now !== null && now.pack === before?.pack && now.offset === before.offset;
    };
    return this.put(chunks, ({ hash }) => !stillThere(hash), ({ pack, entries }) => {
      this.register(pack, entries.filter(({ hash }) => stillThere(hash)), 0, entries);
    });
  }

  /** Whole, as it is kept; a delta is resolved. Null when there is no such chunk. Throws a RangeError when what is there cannot be that. */
  async read(hash: Buffer): Promise<StoredChunk | null> {
    for (let attempt = 1; ; attempt += 1) {
      const standing = this.standing(hash);
      if (standing === null) return null;
      try {
        return await this.readWhole(standing);
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

  private standing(hash: Buffer): Standing | null {
    const found = this.placeOf(hash);
    if (found?.place.encoding !== 'delta') return found === null ? null : { ...found, base: null };
    const baseHash = this.packs.get(found.place.pack)?.bases.at(found.place.offset) ?? null;
    const base = baseHash === null ? null : this.placeOf(baseHash);
    return baseHash === null || base === null || base.place.encoding === 'delta' ? null : { ...found, base: { ...base, hash: baseHash } };
  }

  private placeOf(hash: Buffer): Pick<Standing, 'key' | 'place'> | null {
    const place = this.index.find(hash);
    const pack = place === null ? undefined : this.packs.get(place.pack);
    return place === null || pack === undefined ? null : { key: pack.key, place };
  }

  private async readWhole({ key, place, base }: Standing): Promise<StoredChunk> {
    const own = this.backend.read(key, place.offset, place.length);
    if (place.encoding !== 'delta' || base === null) return { encoding: place.encoding === 'deflate' ? 'deflate' : 'plain', data: await own };
    const [data, baseData] = await Promise.all([own, this.backend.read(base.key, base.place.offset, base.place.length)]);
    return { encoding: 'plain', data: await applyDelta(await decodeBase(base.place, baseData), data) };
  }

  /** Answers the bytes of the pack; 0 when every chunk of it is `needless`, which is asked in the moment before it is put together. */
  private async put(chunks: readonly KeptChunk[], needless: (chunk: KeptChunk) => boolean, found: (written: { readonly pack: Pick<Pack, 'key' | 'bytes' | 'number'>; readonly entries: readonly PackEntry[] }) => void): Promise<number> {
    this.lastNumber += 1;
    const number = this.lastNumber;
    const before = chunks.some(({ encoding }) => encoding === 'delta') ? [...this.underWay] : [];
    const writing = (async () => {
      await Promise.allSettled(before);
      const { pieces, entries } = buildPack(chunks.filter((chunk) => !needless(chunk)));
      if (entries.length === 0) return 0;
      // The random part: a request that an earlier master left on its way to an object store must not hit this pack.
      const key = `${prefix}${number.toString(16).padStart(8, '0')}-${randomBytes(8).toString('hex')}`;
      const bytes = pieces.reduce((sum, piece) => sum + piece.length, 0);
      await this.backend.put(key, pieces);
      found({ pack: { key, number, bytes }, entries });
      return bytes;
    })();
    this.underWay.add(writing);
    return writing.finally(() => this.underWay.delete(writing));
  }

  private register({ key, bytes, number }: Pick<Pack, 'key' | 'bytes' | 'number'>, found: readonly PackEntry[], turn: number, entries = found): void {
    const pack: Pack = { number, key, bytes, chunkBytes: entries.reduce((sum, { length }) => sum + length, 0), bases: new DeltaBases(entries), usedChunks: 0, usedBytes: 0 };
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
    return table.filter((entry) => this.isAt(entry, pack)).map(({ offset, length, ...chunk }) => ({ ...chunk, data: bytes.subarray(offset, offset + length), from: { pack: pack.number, offset, length, encoding: chunk.encoding } }));
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

async function decodeBase({ encoding }: ChunkPlace, data: Buffer): Promise<Buffer> {
  return decodeChunk({ encoding: encoding === 'deflate' ? 'deflate' : 'plain', data }).catch((error: unknown) => {
    throw new RangeError('The base of a delta cannot be inflated.', { cause: error });
  });
}

/** 0 for what is not named as a pack is. */
function numberOf(key: string): number {
  return packKey.test(key) ? parseInt(key.slice(prefix.length), 16) : 0;
}
