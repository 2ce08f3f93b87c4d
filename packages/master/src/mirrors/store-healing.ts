import type { Cancel, Clock } from '@paravcl/shared/clock';
import { chunkCount, chunkHash, isZeroChunk, type ManifestId } from '@paravcl/shared/chunks/manifest';
import type { MirrorBooks } from '../services/mirror-fleet';
import { RefusalLimiter } from '../services/refusal-limiter';
import type { ChunkStore } from '../store/chunk-store';
import { StoreDamaged } from '../store/manifest-shelf';
import { ObjectMissing } from '../store/object-backend';
import type { ChunkRepair } from './chunk-repair';
import type { ImageSpreadRegistry } from './image-spread-registry';
import type { SharedImage } from './shared-image';

export interface StoreHealingParts {
  readonly clock: Clock;
  readonly log: { warn(fields: object, message: string): void };
  readonly registry: Pick<ImageSpreadRegistry, 'find'>;
  readonly store: Pick<ChunkStore, 'readChecked' | 'repair'>;
  readonly repair: Pick<ChunkRepair, 'fetch'>;
  readonly books: Pick<MirrorBooks, 'storeDamaged'>;
}

/** A chunk is looked at once in so long, however many speak of it. */
export const lookAgainMs = 60_000;
/** Words of one mirror that wait to be looked into; what it says beyond them is dropped, and the next verification finds it. */
const mostWaiting = 64;
/** Words of one mirror that were not true: after so many within a minute it is not listened to for the rest of it. */
export const mostUntrue = 8;
const untrueWithinMs = 60_000;
/** What is found within this time is told together. */
const settleMs = 1000;
/** A disk that rots is news once; what is found on, every now and then. */
export const tellEveryMs = 600_000;

/** Chunks of the store that were damaged, and how many of them are as they were again. */
interface Found {
  damaged: number;
  mended: number;
  readonly manifests: Set<ManifestId>;
}

/**
 * Mends the master's own store as its damage shows: a mirror that was sent wrong bytes says so, or the store cannot give what is asked
 * for. One chunk after another is read and hashed here, since nobody's word is proof; what is damaged comes back from mirrors that have it,
 * and the operators are told.
 */
export class StoreHealing {
  /** Hashes of chunks that were looked at lately, or will be. */
  private readonly looked = new Set<string>();
  private readonly waiting = new Map<string, number>();
  private readonly untrue: RefusalLimiter;
  private turn: Promise<void> = Promise.resolve();
  private found: Found = nothing();
  private telling: Cancel | null = null;
  private toldAtMs = Number.NEGATIVE_INFINITY;

  constructor(private readonly parts: StoreHealingParts) {
    this.untrue = new RefusalLimiter(parts.clock, { refusals: mostUntrue, windowMs: untrueWithinMs });
  }

  /** The mirror of this slave got wrong bytes from the master. Of images that it does not have open it has nothing to say. */
  told(slaveId: string, id: ManifestId, index: number): void {
    const image = this.parts.registry.find(id);
    const member = image?.find(slaveId) ?? null;
    if (image === null || member === null || index >= chunkCount(image.manifest) || isZeroChunk(image.manifest, index)) return;
    // It threw them away: nobody is to be sent to it for them.
    image.unsent(member, index);
    this.look(image, index, slaveId);
  }

  /** The store could not give a chunk of this image. */
  missed(image: SharedImage, index: number): void {
    this.look(image, index, null);
  }

  private look(image: SharedImage, index: number, toldBy: string | null): void {
    const hash = chunkHash(image.manifest, index);
    const name = hash.toString('latin1');
    const by = toldBy ?? 'master';
    const waiting = this.waiting.get(by) ?? 0;
    if (this.looked.has(name) || waiting >= mostWaiting || this.untrue.waitMs(by) > 0) return;
    this.looked.add(name);
    this.parts.clock.after(lookAgainMs, () => this.looked.delete(name));
    this.waiting.set(by, waiting + 1);
    this.turn = this.turn
      .then(() => this.mend(image.id, index, hash, toldBy))
      .catch((error: unknown) => this.parts.log.warn({ err: error, manifest: image.id, index }, 'a chunk of the store that seems damaged could not be looked at or mended'))
      .then(() => this.waited(by));
  }

  private async mend(id: ManifestId, index: number, hash: Buffer, toldBy: string | null): Promise<void> {
    const { log, store, repair } = this.parts;
    if (toldBy !== null && this.untrue.waitMs(toldBy) > 0) return;
    if (await this.isSound(hash)) {
      if (toldBy === null) return;
      this.untrue.refused(toldBy);
      return log.warn({ slaveId: toldBy, manifest: id, index }, 'a mirror says that the master sent it wrong bytes, and they are right in the store: its memory or its way may have a fault');
    }
    const bytes = await repair.fetch(id, index);
    log.warn({ manifest: id, index, toldBy, mended: bytes !== null }, bytes === null ? 'a chunk in the store is damaged, and no connected mirror has it' : 'a chunk in the store is damaged, and comes back from a mirror');
    try {
      if (bytes !== null) await store.repair(hash, bytes);
      this.count(id, bytes !== null);
    } catch (error) {
      this.count(id, false);
      throw error;
    }
  }

  /** Throws when the store could not be read for another reason than damage: then nobody knows. */
  private async isSound(hash: Buffer): Promise<boolean> {
    try {
      return (await this.parts.store.readChecked(hash)) !== null;
    } catch (error) {
      // A pack that is gone, or ends before its chunk.
      if (error instanceof StoreDamaged || error instanceof ObjectMissing || error instanceof RangeError) return false;
      throw error;
    }
  }

  private waited(by: string): void {
    const left = (this.waiting.get(by) ?? 1) - 1;
    if (left <= 0) this.waiting.delete(by);
    else this.waiting.set(by, left);
  }

  private count(id: ManifestId, mended: boolean): void {
    this.found.damaged += 1;
    if (mended) this.found.mended += 1;
    this.found.manifests.add(id);
    const { clock } = this.parts;
    this.telling ??= clock.after(Math.max(settleMs, this.toldAtMs + tellEveryMs - clock.monotonicMs()), () => this.tell());
  }

  private tell(): void {
    const { clock, books, log } = this.parts;
    const { damaged, mended, manifests } = this.found;
    this.found = nothing();
    this.telling = null;
    this.toldAtMs = clock.monotonicMs();
    books.storeDamaged({ damaged, mended, manifests: [...manifests] }).catch((error: unknown) => log.warn({ err: error, damaged, mended }, 'that chunks of the store were damaged could not be written down'));
  }
}

function nothing(): Found {
  return { damaged: 0, mended: 0, manifests: new Set() };
}
