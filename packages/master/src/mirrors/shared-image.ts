import type { Cancel, Clock } from '@paravcl/shared/clock';
import type { AccessPattern } from '@paravcl/shared/chunks/access-pattern';
import type { AskedWant, ChunkAnswer } from '@paravcl/shared/chunks/chunk-port';
import { chunkCount, type Manifest, type ManifestId } from '@paravcl/shared/chunks/manifest';
import type { ChunkMember, MasterToMirror } from '@paravcl/shared/chunks/mirror-messages';
import { pskLifetimeMs } from '@paravcl/shared/chunks/psk';
import { chooseHolders, groupFor, spreadGroups, weightOf, type SpreadMember } from '../core/image-spread';
import { HeldChunks, type BitRoom } from './held-chunks';
import type { PeerFaults } from './peer-faults';
import type { PeerKeys } from './peer-keys';

/** A connected mirror. */
export interface MirrorPresence {
  readonly slaveId: string;
  readonly volunteer: boolean;
  /** Where others reach it. */
  readonly address: string;
  /** Null when it serves nobody. */
  readonly port: number | null;
  send(message: MasterToMirror): void;
  ask(want: AskedWant): { readonly number: number; readonly answer: Promise<ChunkAnswer> };
  cancel(number: number): void;
}

/** Whether the master sends a chunk itself, or who has it. */
export type WhoSends = { readonly kind: 'master' } | { readonly kind: 'others'; readonly members: readonly number[] };

export interface SpreadParts {
  readonly clock: Clock;
  readonly keys: PeerKeys;
  readonly faults: PeerFaults;
  readonly room: BitRoom;
}

/** What was told of a member last. */
type Told = Pick<ChunkMember, 'slaveId' | 'address' | 'port' | 'weight'> & { readonly madeAt: number };

/** Changes within this time are told together; when telling takes long, within ten times as long as it took. */
export const coalesceMs = 250;
/** Keys are made anew long before they end. */
const renewAfterMs = pskLifetimeMs / 2;
/** Members outside its group that one mirror is told of, because the master sent it there. */
const mostIntroduced = 64;
/** Members it was told of and that are gone, of which it may still have something to say. */
const mostRemembered = 64;
/** How often one was named first counts half after so long. */
const loadHalvesMs = 1000;

/** One mirror that has the image open, under a channel of its connection. */
export class ImageMember {
  readonly chunks: HeldChunks;
  readonly told = new Map<number, Told>();
  private readonly toldBefore = new Set<string>();
  /** Undefined before its first `members`. */
  toldSelf: number | null | undefined = undefined;
  readonly introduced = new Set<number>();
  private named = { load: 0, atMs: 0 };

  constructor(
    readonly presence: MirrorPresence,
    readonly channel: number,
    readonly number: number,
    chunks: number,
    private readonly parts: SpreadParts,
  ) {
    this.chunks = new HeldChunks(chunks, parts.room);
  }

  get spread(): SpreadMember {
    const { slaveId, address, port, volunteer } = this.presence;
    return { slaveId, address, port, volunteer, number: this.number, avoided: this.parts.faults.isAvoided(slaveId) };
  }

  /** How often others were sent to it lately. */
  get load(): number {
    return this.named.load * 0.5 ** ((this.parts.clock.monotonicMs() - this.named.atMs) / loadHalvesMs);
  }

  /** Whether it was told of this one, now or a little while ago: of others it has nothing to say. */
  wasToldOf(slaveId: string): boolean {
    return this.toldBefore.has(slaveId) || [...this.told.values()].some((one) => one.slaveId === slaveId);
  }

  /** The member of this number is gone, or another has its number. */
  forgetTold(number: number): void {
    const slaveId = this.told.get(number)?.slaveId;
    if (slaveId === undefined) return;
    this.told.delete(number);
    this.toldBefore.delete(slaveId);
    this.toldBefore.add(slaveId);
    for (const oldest of [...this.toldBefore].slice(0, Math.max(0, this.toldBefore.size - mostRemembered))) this.toldBefore.delete(oldest);
  }

  countNamed(): void {
    this.named = { load: this.load + 1, atMs: this.parts.clock.monotonicMs() };
  }
}

/**
 * One image version and the mirrors that have it open. It remembers what each had at first and what the master sent it since:
 * a chunk is sent by the master to the first who asks, and whoever asks later is named those who have it.
 */
export class SharedImage {
  private readonly members = new Map<string, ImageMember>();
  private readonly byNumber = new Map<number, ImageMember>();
  /** As of the last time members were told. */
  private groups: readonly (readonly SpreadMember[])[] = [];
  private cancelTelling: Cancel | null = null;
  private tellNextAtMs = Number.NEGATIVE_INFINITY;
  private cancelRenewal: Cancel = () => undefined;
  /** Members that serve and were sent the manifest, or to somebody who has it, in this order. */
  private manifestHolders: ImageMember[] = [];

  constructor(
    readonly id: ManifestId,
    readonly manifest: Manifest,
    private readonly parts: SpreadParts,
  ) {}

  get isOpen(): boolean {
    return this.members.size > 0;
  }

  has(slaveId: string): boolean {
    return this.members.has(slaveId);
  }

  find(slaveId: string): ImageMember | null {
    return this.members.get(slaveId) ?? null;
  }

  get size(): number {
    return this.members.size;
  }

  /** Null when there is no number left. */
  join(presence: MirrorPresence, channel: number): ImageMember | null {
    let number = 0;
    while (this.byNumber.has(number)) number += 1;
    if (number > 0xffff) return null;
    const member = new ImageMember(presence, channel, number, chunkCount(this.manifest), this.parts);
    this.members.set(presence.slaveId, member);
    this.byNumber.set(number, member);
    this.changed();
    return member;
  }

  leave(member: ImageMember): void {
    if (this.byNumber.get(member.number) !== member) return;
    this.members.delete(member.presence.slaveId);
    this.byNumber.delete(member.number);
    member.chunks.forget();
    if (this.isOpen) return this.changed();
    this.cancelTelling?.();
    this.cancelRenewal();
  }

  /** Who asks for a chunk lacks it, whatever it said before. Unless the others have it, it counts as sent from now on: call `unsent` when it was not. */
  asked(member: ImageMember, index: number, insist: boolean): WhoSends {
    member.chunks.remove(index);
    const named = insist ? [] : this.holders(member, index);
    if (named.length === 0) {
      member.chunks.add(index);
      return { kind: 'master' };
    }
    // The others are asked only when the first fails.
    named[0]?.countNamed();
    this.introduce(member, named);
    return { kind: 'others', members: named.map(({ number }) => number) };
  }

  /**
   * Who sends the manifest. The first who asks gets it from the master, each later one from one that asked before, two from each: a tree, so that
   * all have it after a few steps and no link carries it more than twice. Of one that is a single part each serves four: there the steps take the time.
   */
  askedManifest(member: ImageMember, insist: boolean): WhoSends {
    this.manifestHolders = this.manifestHolders.filter((one) => one !== member && this.byNumber.get(one.number) === one && !one.spread.avoided);
    const servedEach = this.manifest.parts.length === 1 ? 4 : 2;
    const parent = insist ? undefined : this.manifestHolders[Math.floor((this.manifestHolders.length - 1) / servedEach)];
    if (member.presence.port !== null) this.manifestHolders.push(member);
    if (parent === undefined) return { kind: 'master' };
    this.introduce(member, [parent]);
    return { kind: 'others', members: [parent.number] };
  }

  /** A chunk that was to be sent was not. */
  unsent(member: ImageMember, index: number): void {
    member.chunks.remove(index);
  }

  /** Members that have the chunk and are not avoided, whether they serve others or not. */
  withChunk(index: number): readonly ImageMember[] {
    return [...this.members.values()].filter(({ chunks, presence }) => chunks.has(index) && !this.parts.faults.isAvoided(presence.slaveId));
  }

  tellPattern(pattern: AccessPattern): void {
    for (const { presence, channel } of this.members.values()) presence.send({ type: 'pattern', channel, pattern });
  }

  /** Who serves, or where, is another now: everybody whom it concerns is told, within `coalesceMs`. */
  changed(): void {
    if (this.cancelTelling !== null) return;
    const { clock } = this.parts;
    const waitMs = this.tellNextAtMs - clock.monotonicMs();
    if (waitMs <= 0) this.tellAll();
    else this.cancelTelling = clock.after(waitMs, () => this.tellAll());
  }

  private tellAll(): void {
    const { clock } = this.parts;
    this.cancelTelling?.();
    this.cancelTelling = null;
    const beganAtMs = clock.monotonicMs();
    this.groups = spreadGroups([...this.members.values()].map(({ spread }) => spread));
    for (const member of this.members.values()) this.tell(member);
    this.tellNextAtMs = beganAtMs + Math.max(coalesceMs, 10 * (clock.monotonicMs() - beganAtMs));
    this.cancelRenewal();
    this.cancelRenewal = clock.after(renewAfterMs / 2, () => this.changed());
  }

  /** Near ones first; the rest is looked at when none of its own group has it. */
  private holders(member: ImageMember, index: number): readonly ImageMember[] {
    const load = ({ number }: SpreadMember): number => this.byNumber.get(number)?.load ?? 0;
    const having = (some: readonly (ImageMember | undefined)[]): readonly ImageMember[] => {
      const holders = some.flatMap((one) => (one?.chunks.has(index) === true ? [one.spread] : []));
      return chooseHolders(index, member.spread, holders, load).flatMap(({ number }) => this.byNumber.get(number) ?? []);
    };
    const near = having([...member.told.keys()].map((number) => this.byNumber.get(number)));
    return near.length > 0 ? near : having([...this.members.values()]);
  }

  /** Tells it those that it does not know, before it is sent to them. */
  private introduce(member: ImageMember, others: readonly ImageMember[]): void {
    const strangers = others.filter(({ number, presence }) => member.told.get(number)?.slaveId !== presence.slaveId);
    if (strangers.length === 0) return;
    for (const { number } of strangers) member.introduced.add(number);
    for (const number of [...member.introduced].slice(0, Math.max(0, member.introduced.size - mostIntroduced))) member.introduced.delete(number);
    if (member.toldSelf === undefined) this.tellAll();
    else this.tell(member);
  }

  /** What changed for it since it was told last; nothing when nothing did. */
  private tell(member: ImageMember): void {
    const now = this.parts.clock.now();
    const self = member.spread;
    const inView = new Map<number, number>();
    for (const one of groupFor(self, this.groups)) if (this.byNumber.get(one.number)?.presence.slaveId === one.slaveId) inView.set(one.number, weightOf(one));
    for (const number of member.introduced) {
      const one = this.byNumber.get(number)?.spread;
      if (one === undefined || one.port === null || one.avoided) member.introduced.delete(number);
      else if (!inView.has(number)) inView.set(number, 0);
    }
    const gone = [...member.told.keys()].filter((number) => !inView.has(number));
    for (const number of gone) member.forgetTold(number);
    const set = [...inView].flatMap(([number, weight]) => this.news(member, number, weight, now) ?? []);
    const number = self.port === null || self.avoided ? null : self.number;
    if (set.length === 0 && gone.length === 0 && member.toldSelf === number) return;
    member.toldSelf = number;
    member.presence.send({ type: 'members', channel: member.channel, self: number, set, gone });
  }

  private news(member: ImageMember, number: number, weight: number, now: number): ChunkMember | null {
    const one = this.byNumber.get(number)?.presence;
    if (one === undefined || one.port === null) return null;
    const { slaveId, address, port } = one;
    const told = member.told.get(number);
    const isKnown = told !== undefined && told.slaveId === slaveId && told.address === address && told.port === port && told.weight === weight;
    if (isKnown && now - told.madeAt < renewAfterMs) return null;
    if (told?.slaveId !== slaveId) member.forgetTold(number);
    member.told.set(number, { slaveId, address, port, weight, madeAt: now });
    return { number, slaveId, address, port, weight, ...this.parts.keys.keyFor(member.presence.slaveId, slaveId, this.id, now) };
  }
}
