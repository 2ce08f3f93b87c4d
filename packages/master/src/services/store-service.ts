import type { StoreStanding, StoreSweep, StoreVerification } from '@paravcl/shared/api/store';
import type { ManifestId } from '@paravcl/shared/chunks/manifest';
import type { Clock, EpochMs } from '@paravcl/shared/clock';
import type { Principal } from '@paravcl/shared/domain/people';
import { ParavclError } from '@paravcl/shared/errors';
import type { UnitOfWork } from '../db/unit-of-work';
import type { ImageRecord } from '../repositories/image-record';
import type { ChunkStore } from '../store/chunk-store';
import { StoreDamaged } from '../store/manifest-shelf';
import type { LiveManifests } from '../store/store-sweep';
import type { DamagedChunk } from '../store/missing-chunks';
import type { MirrorFleet } from './mirror-fleet';
import { sayBytes } from './say-bytes';
import { areOrIs, many } from './say-count';
import { byHash, sayMissing, sayVerified, type DamagedPlaces } from './store-damage';
import { SweepMemory } from './sweep-memory';

/** Damaged chunks that are listed; the others are counted. */
const listedChunks = 200;

type Store = Pick<ChunkStore, 'stats' | 'sweep' | 'verify' | 'lookOver' | 'repair' | 'keepManifest' | 'repairManifest' | 'readChecked' | 'manifestIds' | 'manifest'>;

export interface StoreDeps {
  readonly store: Store;
  /** Every manifest that the books name. */
  readonly live: LiveManifests;
  readonly mirrors: Pick<MirrorFleet, 'fetchFromMirrors' | 'openManifest'>;
  readonly unitOfWork: UnitOfWork;
  readonly clock: Clock;
  /** How long the content of a deleted image outlives it in the daily sweep. */
  readonly graceMs: number;
  /** What went wrong where nobody waits for an answer. */
  readonly onFault: (error: unknown) => void;
}

/** The chunk store as operators see and work it. Of sweeps and of verifications one runs at a time; both go on in the background and end with the master. */
export class StoreService {
  private sweeping: StoreSweep | null = null;
  private verifying: StoreVerification | null = null;
  private readonly memory: SweepMemory;
  /** Resolves when, once behind the start, the store was looked over for what the books name and a copy or a crash of its disk took from it. */
  readonly lookedOver: Promise<void>;

  constructor(private readonly deps: StoreDeps) {
    this.memory = new SweepMemory(deps.unitOfWork);
    this.lookedOver = this.lookOver().catch(deps.onFault);
  }

  standing(): StoreStanding {
    const stats = this.deps.store.stats();
    const times = stats.storedBytes === 0 ? 1 : stats.logicalBytes / stats.storedBytes;
    return {
      ...stats,
      sentence: `${sayBytes(stats.logicalBytes)} of ${many(stats.manifests, 'content')} ${areOrIs(stats.manifests)} kept in ${sayBytes(stats.storedBytes)}, each chunk once${times > 1.05 ? `: ${times.toFixed(1)} times less` : ''}.`,
      lastSweep: this.sweeping,
      lastVerification: this.verifying,
    };
  }

  /** Throws `not-found` when there was none since the master's start. */
  latestVerification(): StoreVerification {
    if (this.verifying === null) throw new ParavclError('not-found', 'The store was not verified since the master’s start. Start a verification on the store’s page.');
    return this.verifying;
  }

  /** Begins a sweep that takes at once what nothing names. Throws `conflict` while one runs. */
  beginSweep(principal: Principal): StoreSweep {
    const { begun, ended } = this.startSweep(`user ${principal.userName}`, 0);
    ended.catch(this.deps.onFault);
    return begun;
  }

  /** When a sweep came to its end last, before a restart too; null when that is not known. */
  lastSweepAt(): Promise<EpochMs | null> {
    return this.memory.lastSweepAt();
  }

  /** The daily sweep, to its end; what was deleted lately stays. Nothing when one runs. */
  async dailySweep(): Promise<void> {
    if (this.sweeping?.state !== 'running') await this.startSweep('master', this.deps.graceMs).ended;
  }

  /** Begins a verification. Throws `conflict` while one runs. */
  beginVerification(principal: Principal, { repair }: { readonly repair: boolean }): StoreVerification {
    if (this.verifying?.state === 'running') throw new ParavclError('conflict', `The store is being verified: ${this.verifying.sentence} Wait for the end of that.`);
    const actor = `user ${principal.userName}`;
    const begun: StoreVerification = {
      ...this.started(actor, 'Verification began.'),
      repair, doneBytes: 0, totalBytes: 0, damagedChunks: 0, repairedChunks: 0, damaged: [], damagedManifests: [],
    };
    this.verifying = begun;
    this.verify(begun, principal).catch((error: unknown) => {
      this.verifying = { ...(this.verifying ?? begun), ...this.failed(error) };
      this.deps.onFault(error);
    });
    return begun;
  }

  private startSweep(by: string, graceMs: number): { readonly begun: StoreSweep; readonly ended: Promise<void> } {
    if (this.sweeping?.state === 'running') throw new ParavclError('conflict', 'The store is being swept. Wait for the end of that sweep.');
    const begun: StoreSweep = { ...this.started(by, 'The sweep began.'), report: null };
    this.sweeping = begun;
    const ended = this.sweep(begun, graceMs).catch((error: unknown) => {
      this.sweeping = { ...begun, ...this.failed(error) };
      throw error;
    });
    return { begun, ended };
  }

  private async sweep(begun: StoreSweep, graceMs: number): Promise<void> {
    const { store, live } = this.deps;
    const { deletedManifests, forgottenChunks, freedBytes, missingChunks, damagedPacks } = await store.sweep(async () => this.spared(await live(), graceMs));
    const faults = [
      ...(missingChunks > 0 ? [`${many(missingChunks, 'chunk')} of images ${areOrIs(missingChunks)} missing`] : []),
      ...(damagedPacks.length > 0 ? [`${many(damagedPacks.length, 'pack')} ${areOrIs(damagedPacks.length)} damaged`] : []),
    ];
    const sentence = `${sayBytes(Math.max(0, freedBytes))} were freed.${faults.length > 0 ? ` ${faults.join(' and ')}: verify the store with repair.` : ''}`;
    this.sweeping = { ...begun, ...this.done(sentence), report: { deletedManifests, forgottenChunks, freedBytes, missingChunks } };
    await this.memory.swept(this.deps.clock.now()).catch(this.deps.onFault);
  }

  /** What the books name, and what they stopped naming less than the grace ago. */
  private async spared(named: readonly ManifestId[], graceMs: number): Promise<readonly ManifestId[]> {
    const now = this.deps.clock.now();
    const inBooks = new Set(named);
    const kept = new Set(this.deps.store.manifestIds());
    const before = await this.memory.unnamedSince();
    const unnamed = new Map<ManifestId, EpochMs>();
    const inGrace: ManifestId[] = [];
    for (const id of kept) {
      if (inBooks.has(id)) continue;
      const since = Math.min(before.get(id) ?? now, now);
      unnamed.set(id, since);
      // One that cannot be read would stop the sweep, for the sake of what nobody asks for.
      if (now - since < graceMs && (await this.deps.store.manifest(id).catch(() => null)) !== null) inGrace.push(id);
    }
    await this.memory.unnamed(unnamed);
    return [...named, ...inGrace];
  }

  private async verify(begun: StoreVerification, principal: Principal): Promise<void> {
    const { store, live } = this.deps;
    const report = await store.verify(await live(), ({ doneBytes, totalBytes }) => {
      this.verifying = { ...begun, doneBytes, totalBytes, sentence: `${sayBytes(doneBytes)} of ${sayBytes(totalBytes)} are read.` };
    });
    const rewritten = begun.repair ? await this.rewrite(report.damagedManifests) : [];
    // Of what is known again the chunks were read with all others, as those of nobody.
    const places = byHash([...report.damaged, ...(await store.lookOver(rewritten)).damaged]);
    const manifests = report.damagedManifests.filter((id) => !rewritten.includes(id));
    const broken: StoreVerification = {
      ...(this.verifying ?? begun),
      damagedChunks: places.length,
      damaged: listed(places),
      damagedManifests: manifests,
      sentence: `Everything is read; ${many(places.length, 'chunk')} ${areOrIs(places.length)} damaged.`,
    };
    this.verifying = broken;
    const left: (readonly DamagedChunk[])[] = [];
    let fromHere = 0;
    for (const [done, chunk] of places.entries()) {
      const from = begun.repair ? await this.repair(chunk) : null;
      if (from === null) left.push(chunk);
      if (from === 'here') fromHere += 1;
      this.verifying = { ...broken, repairedChunks: done + 1 - left.length, sentence: `${done + 1} of ${many(places.length, 'damaged chunk')} looked for on hosts.` };
    }
    const images = await this.imagesOf(places, manifests);
    const sentence = sayVerified({ places, left, fromHere, manifests, rewrittenLists: rewritten.length, images }, { chunks: report.chunks, repair: begun.repair });
    // Before it is done: who waits for that finds the event.
    if (places.length + report.damagedManifests.length > 0) await this.tell(sentence, principal);
    this.verifying = { ...broken, ...this.done(sentence), repairedChunks: places.length - left.length, damaged: listed(left) };
  }

  /** Without reading a chunk; what is missing is told to the operators and in the log. */
  private async lookOver(): Promise<void> {
    const { store, live, onFault } = this.deps;
    const { damaged, damagedManifests } = await store.lookOver(await live());
    if (damaged.length + damagedManifests.length === 0) return;
    const places = byHash(damaged);
    const sentence = sayMissing({ places, manifests: damagedManifests, images: await this.imagesOf(places, damagedManifests) });
    onFault(new StoreDamaged(sentence));
    await this.tell(sentence, null);
  }

  /** The lists among these that memory still has, on the disk again. One that a mirror has and has not open comes back when it opens it. */
  private async rewrite(lost: readonly ManifestId[]): Promise<readonly ManifestId[]> {
    const { store, mirrors } = this.deps;
    const rewritten: ManifestId[] = [];
    for (const id of lost) {
      const open = mirrors.openManifest(id);
      if (open !== null) await store.keepManifest(open);
      if (open !== null || (await store.repairManifest(id))) rewritten.push(id);
    }
    return rewritten;
  }

  /** From here, where only the table of its pack is damaged or its file was deleted and is still open; else from a host that has it. Null: from nowhere. */
  private async repair(places: readonly DamagedChunk[]): Promise<'here' | 'host' | null> {
    const { store, mirrors, onFault } = this.deps;
    for (const { manifest, index, hash } of places) {
      const kept = await store.readChecked(hash).catch(() => null);
      const bytes = kept ?? (await mirrors.fetchFromMirrors(manifest, index).catch(onFault));
      if (bytes === null || bytes === undefined) continue;
      await store.repair(hash, bytes);
      return kept === null ? 'host' : 'here';
    }
    return null;
  }

  private imagesOf(places: DamagedPlaces, manifests: readonly ManifestId[]): Promise<readonly ImageRecord[]> {
    return this.deps.unitOfWork.read.imageContents.withManifests([...new Set([...places.flat().map(({ manifest }) => manifest), ...manifests])]);
  }

  /** The master itself when nobody asked for it. */
  private async tell(sentence: string, principal: Principal | null): Promise<void> {
    const { unitOfWork, clock } = this.deps;
    const actor = principal === null ? 'master' : `user ${principal.userName}`;
    await unitOfWork.read.events.append({ kind: 'store.damaged', subjectType: 'site', subjectId: null, actor, actorUserId: principal?.userId ?? null, clientAddress: null, sentence }, clock.now());
  }

  private started(startedBy: string, sentence: string): Pick<StoreSweep, 'state' | 'startedBy' | 'startedAt' | 'endedAt' | 'sentence'> {
    return { state: 'running', startedBy, startedAt: this.time(), endedAt: null, sentence };
  }

  private done(sentence: string): Pick<StoreSweep, 'state' | 'endedAt' | 'sentence'> {
    return { state: 'done', endedAt: this.time(), sentence };
  }

  private failed(error: unknown): Pick<StoreSweep, 'state' | 'endedAt' | 'sentence'> {
    return { state: 'failed', endedAt: this.time(), sentence: error instanceof Error ? error.message : String(error) };
  }

  private time(): string {
    return new Date(this.deps.clock.now()).toISOString();
  }
}

function listed(places: DamagedPlaces): StoreVerification['damaged'] {
  return places.flat().slice(0, listedChunks).map(({ manifest, index, hash }) => ({ manifest, index, hash: hash.toString('hex') }));
}
