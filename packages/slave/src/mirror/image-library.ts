import { join } from 'node:path';
import type { Clock } from '@paravcl/shared/clock';
import { decodeManifest, encodeManifest, type Manifest, type ManifestId } from '@paravcl/shared/chunks/manifest';
import { MiB, sha256Schema } from '@paravcl/shared/domain/limits';
import type { Logger } from 'pino';
import { ChunkFile, sha256 } from './chunk-file';
import { PoolLayout } from '../disks/pool-layout';
import type { ChunkSource, KnownImage } from './chunk-source';
import { mirrorFiles } from './control-api';
import { evictable, holders, type EvictionStanding } from './eviction';
import type { FileLayer } from './file-layer';
import type { ImageLibrary } from './local-image';
import { isOutOfRoom, PoolRoom } from './pool-room';
import { RecentChunks } from './recent-chunks';
import { sharesChunk, StoredImage } from './stored-image';

export interface LibraryOptions {
  readonly files: FileLayer;
  /** The pool: images are kept in `mirror/images`, the lists of what is made of them from `instances` and `homes`. */
  readonly poolDir: string;
  readonly bootId: string;
  readonly clock: Clock;
  readonly log: Logger;
  readonly source: ChunkSource;
  /** Kept free in the pool for guests that grow. */
  readonly reserveMiB: number;
  /** Most that images take together before unused ones go; null: as much as the pool has. */
  readonly cacheMiB: number | null;
  /** An image that nothing here uses goes after so many days. */
  readonly imageCacheDays: number;
}

/** There is no room even for what is known of an image. */
export class NoRoom extends Error {
  override readonly name = 'NoRoom';
}

const changeEveryMs = 1000;
/** Some seconds of a link that is not the fastest. */
const recentBytes = 16 * MiB;
const tendEveryMs = 3_600_000;
const dayMs = 24 * 3_600_000;
/** How often the time of last use is written on the disk. */
const touchEveryMs = 60_000;
const manifestFile = 'manifest';
const doomedPrefix = '.doomed-';

/**
 * The images on this host's disk, in `<pool>/mirror/images/<manifest id>/{manifest,data,present,state.json}`.
 *
 * Invariant: who is about to use an image opens it, which is written down as a use, before it looks whether its file is
 * there; and an image is taken out of here in the same turn of the event loop in which it was seen not to be used.
 */
export class MirrorLibrary implements ImageLibrary {
  private readonly images = new Map<ManifestId, StoredImage>();
  private readonly opening = new Map<ManifestId, Promise<StoredImage>>();
  private readonly removing = new Map<ManifestId, Promise<void>>();
  private readonly touchedAt = new Map<ManifestId, number>();
  private readonly listeners: (() => void)[] = [];
  private wished: ReadonlySet<ManifestId> = new Set();
  private readonly goneIds = new Set<ManifestId>();
  private readonly room: PoolRoom;
  private readonly recent = new RecentChunks(recentBytes);
  private readonly directory: string;
  private readonly layout: PoolLayout;
  private toldAtMs = Number.NEGATIVE_INFINITY;
  private telling = false;
  private evicting: Promise<void> = Promise.resolve();
  private stopTending: () => void = () => undefined;
  private closed = false;
  /** Chunks that were taken from another image of this host instead of being fetched. */
  fromOtherImagesBytes = 0;

  private constructor(private readonly options: LibraryOptions) {
    this.directory = join(options.poolDir, mirrorFiles.directory, mirrorFiles.images);
    this.layout = new PoolLayout(options.poolDir);
    this.room = new PoolRoom({
      clock: options.clock,
      reserveBytes: options.reserveMiB * MiB,
      freeBytes: () => options.files.freeBytes(this.directory),
      evict: (enough) => this.evict(0, enough),
      onChange: () => {
        options.log[this.room.isFull ? 'warn' : 'info']({ pool: options.poolDir }, this.room.isFull ? 'the pool is full: chunks are served and not kept until there is room' : 'there is room in the pool again');
        this.changed();
      },
      onFault: (error) => this.fault(error),
    });
  }

  /** Reads what is on the disk. Whatever cannot be read there is left alone and fetched anew when it is asked for. */
  static async open(options: LibraryOptions): Promise<MirrorLibrary> {
    const library = new MirrorLibrary(options);
    const { files } = options;
    await files.makeDirectory(join(options.poolDir, mirrorFiles.directory));
    await files.makeDirectory(library.directory);
    const held = await library.holders().catch((error: unknown) => {
      library.fault(error);
      return null;
    });
    for (const name of await files.list(library.directory)) {
      const isImage = sha256Schema.safeParse(name).success && (await library.load(name));
      if (!isImage && held?.has(name) === false) await files.remove(join(library.directory, name));
    }
    for (const id of held?.keys() ?? []) {
      const image = library.find(id);
      if (image !== null) options.source.opened(image);
    }
    library.tendLater();
    return library;
  }

  get poolFull(): boolean {
    return this.room.isFull;
  }

  /** Guests and tools that read images now. */
  get readers(): number {
    return this.all().reduce((sum, image) => sum + image.readerCount, 0);
  }

  find(id: string): StoredImage | null {
    return this.images.get(id) ?? null;
  }

  async soon(id: string): Promise<StoredImage | null> {
    return this.find(id) ?? (await this.opening.get(id)?.catch(() => null)) ?? null;
  }

  all(): readonly StoredImage[] {
    return [...this.images.values()];
  }

  /** Throws NoRoom when not even its manifest can be kept. */
  async open(id: string): Promise<StoredImage> {
    const known = this.images.get(id);
    if (known !== undefined) {
      this.used(known);
      this.options.source.opened(known);
      return known;
    }
    const opening = this.opening.get(id) ?? this.bring(sha256Schema.parse(id)).finally(() => this.opening.delete(id));
    this.opening.set(id, opening);
    return opening;
  }

  /** One that an instance of this host is made of: opened even when its files here were lost. Null when there is none such. */
  async openForReader(id: string): Promise<StoredImage | null> {
    if (this.images.has(id) || (await this.holders()).has(id)) return this.open(id);
    return null;
  }

  /** Which instances and home volumes of this host are made of which image. Throws when a list cannot be read. */
  holders(): Promise<ReadonlyMap<ManifestId, readonly string[]>> {
    return holders(this.options.files, this.layout.instances, this.layout.homes);
  }

  onChange(listener: () => void): void {
    this.listeners.push(listener);
  }

  /** The images that are wanted here ahead of need, all of them: the others may be evicted when nothing uses them. */
  wantAhead(ids: ReadonlySet<ManifestId>): void {
    for (const id of this.wished) if (!ids.has(id)) this.usedNow(id);
    this.wished = ids;
  }

  /** These were deleted from the site: they are the first to go when nothing here uses them. */
  gone(ids: readonly ManifestId[]): void {
    for (const id of ids) if (this.images.has(id)) this.goneIds.add(id);
    void this.tend();
  }

  /** Syncs everything and marks the end as one in order. */
  async close(): Promise<void> {
    this.closed = true;
    this.stopTending();
    await Promise.allSettled(this.all().map((image) => image.close().catch((error: unknown) => this.fault(error))));
  }

  private async bring(id: ManifestId): Promise<StoredImage> {
    await this.removing.get(id);
    const manifest = await this.options.source.manifest(id);
    let image: StoredImage;
    try {
      image = await this.make(id, manifest);
    } catch (error) {
      // Others were told that this host has it from now on.
      this.options.source.closed(id);
      throw error;
    }
    this.options.source.opened(image);
    this.changed();
    return image;
  }

  /** When room lacks, images that nothing here uses go, no more than it takes to have the reserve again. */
  private async make(id: ManifestId, manifest: Manifest): Promise<StoredImage> {
    let made: StoredImage | null = null;
    let full: unknown;
    const tryIt = async (): Promise<boolean> => {
      try {
        made ??= await this.makeOnce(id, manifest);
        return true;
      } catch (error) {
        if (!isOutOfRoom(error)) throw error;
        full = error;
        return false;
      }
    };
    if (!(await tryIt())) {
      await this.evict(0, async () => (await tryIt()) && (await this.options.files.freeBytes(this.directory)) >= this.options.reserveMiB * MiB);
      await tryIt();
    }
    if (made === null) throw new NoRoom(`There is no room for image ${id.slice(0, 12)} in the pool ${this.options.poolDir}. Free some, or remove instances.`, { cause: full });
    return made;
  }

  private async makeOnce(id: ManifestId, manifest: Manifest): Promise<StoredImage> {
    const { files, clock } = this.options;
    const directory = join(this.directory, id);
    await files.makeDirectory(directory);
    // Side by side: a guest waits. What a crash leaves without its manifest is no image, and goes at the next start.
    const opening = this.openFile(id, manifest);
    const kept = await Promise.allSettled([files.syncDirectory(this.directory), files.replace(join(directory, manifestFile), encodeManifest(manifest)), opening]);
    const failed = kept.find((one) => one.status === 'rejected');
    const file = await opening;
    if (failed === undefined) return this.add(id, manifest, file, clock.now());
    await file.abandon();
    throw failed.reason;
  }

  /** False when what is on the disk is no image; one that cannot be read may be one. */
  private async load(id: ManifestId): Promise<boolean> {
    const path = join(this.directory, id, manifestFile);
    try {
      const encoded = await this.options.files.readAll(path);
      if (encoded === null || sha256(encoded).toString('hex') !== id) return false;
      const manifest = decodeManifest(encoded);
      this.add(id, manifest, await this.openFile(id, manifest), (await this.options.files.modifiedAt(path)) ?? 0);
    } catch (error) {
      this.fault(error);
    }
    return true;
  }

  private openFile(id: ManifestId, manifest: Manifest): Promise<ChunkFile> {
    const { files, bootId, clock } = this.options;
    return ChunkFile.open({ files, directory: join(this.directory, id), image: { id, manifest }, bootId, clock, onFault: (error) => this.fault(error), onChange: () => this.changed() });
  }

  private add(id: ManifestId, manifest: Manifest, file: ChunkFile, usedAt: number): StoredImage {
    const { clock, source } = this.options;
    const onFault = (error: unknown): void => this.fault(error);
    const parts = { clock, source, room: this.room, recent: this.recent, elsewhere: (image: KnownImage, index: number) => this.elsewhere(image, index), onChange: () => this.changed(), onFault };
    const image = new StoredImage(id, manifest, file, parts, usedAt);
    this.images.set(id, image);
    return image;
  }

  private async elsewhere(image: KnownImage, index: number): Promise<Buffer | null> {
    for (const other of this.images.values()) {
      if (other.id === image.id || !other.has(index) || !sharesChunk(image, other, index)) continue;
      const chunk = await other.held(index);
      if (chunk === null) continue;
      this.fromOtherImagesBytes += chunk.length;
      return chunk;
    }
    return null;
  }

  /** Written on the manifest itself, so that it outlives the mirror. */
  private used(image: StoredImage): void {
    const nowMs = this.options.clock.now();
    image.usedAt = nowMs;
    if (nowMs - (this.touchedAt.get(image.id) ?? 0) < touchEveryMs) return;
    this.touchedAt.set(image.id, nowMs);
    this.options.files.touch(join(this.directory, image.id, manifestFile), nowMs).catch((error: unknown) => this.fault(error));
  }

  private usedNow(id: ManifestId): void {
    const image = this.images.get(id);
    if (image !== undefined) this.used(image);
  }

  private tendLater(): void {
    this.stopTending = this.options.clock.after(tendEveryMs, () => void this.tend().finally(() => !this.closed && this.tendLater()));
  }

  /** What was unused for long goes, and what is beyond the limit of the cache. */
  private async tend(): Promise<void> {
    const limit = this.options.cacheMiB === null ? Number.POSITIVE_INFINITY : this.options.cacheMiB * MiB;
    const stored = (): number => this.all().reduce((sum, { storedBytes }) => sum + storedBytes, 0);
    try {
      for (const image of this.all()) if (image.readerCount > 0) this.used(image);
      await this.evict(this.options.imageCacheDays * dayMs, () => Promise.resolve(false));
      if (stored() > limit) await this.evict(0, () => Promise.resolve(stored() <= limit));
    } catch (error) {
      this.fault(error);
    }
  }

  /** One at a time, so that two that lack room do not remove more than is needed. */
  private evict(idleMs: number, enough: () => Promise<boolean>): Promise<void> {
    this.evicting = this.evicting.catch(() => undefined).then(() => this.evictOnce(idleMs, enough));
    return this.evicting;
  }

  private async evictOnce(idleMs: number, enough: () => Promise<boolean>): Promise<void> {
    const held = new Set((await this.holders()).keys());
    for (const { id } of evictable(this.standings(), held, this.options.clock.now(), idleMs)) {
      if (await enough()) return;
      // In this very turn it must still be so: a reader may have come while we looked.
      const [mayGo] = evictable(this.standings().filter((one) => one.id === id), held, this.options.clock.now(), idleMs);
      if (mayGo !== undefined) await this.remove(id);
    }
  }

  private standings(): readonly EvictionStanding[] {
    return this.all().map((image) => ({ id: image.id, usedAt: image.usedAt, inUse: image.isBusy || this.wished.has(image.id), gone: this.goneIds.has(image.id) }));
  }

  /** Gone at once by its name; the bytes follow, at the latest with the next start. */
  private async remove(id: ManifestId): Promise<void> {
    const image = this.images.get(id);
    if (image === undefined) return;
    this.images.delete(id);
    this.goneIds.delete(id);
    const doomed = join(this.directory, `${doomedPrefix}${id}`);
    const removed = (async () => {
      await image.abandon();
      await this.options.files.rename(join(this.directory, id), doomed);
      await this.options.files.remove(doomed);
    })();
    this.removing.set(id, removed.catch(() => undefined).finally(() => this.removing.delete(id)));
    this.recent.forget(id);
    this.options.source.closed(id);
    this.options.log.info({ manifest: id, bytes: image.storedBytes, unusedSince: new Date(image.usedAt).toISOString() }, 'an image that nothing here used was removed');
    this.changed();
    await removed;
  }

  private changed(): void {
    if (this.telling || this.closed) return;
    this.telling = true;
    const waitMs = Math.max(0, this.toldAtMs + changeEveryMs - this.options.clock.monotonicMs());
    this.options.clock.after(waitMs, () => {
      this.telling = false;
      this.toldAtMs = this.options.clock.monotonicMs();
      for (const listener of this.listeners) listener();
      if (this.options.cacheMiB !== null && this.all().reduce((sum, { storedBytes }) => sum + storedBytes, 0) > this.options.cacheMiB * MiB) void this.tend();
    });
  }

  private fault(error: unknown): void {
    this.options.log.warn({ err: error, pool: this.options.poolDir }, 'a fault in the images of this host; it goes on');
  }
}
