import { sleep, type Cancel, type Clock } from '@paravcl/shared/clock';
import { chunkHash, chunkLength, type ManifestId } from '@paravcl/shared/chunks/manifest';
import type { ChunkAnswer, ChunkPort } from '@paravcl/shared/chunks/chunk-port';
import type { AccessPattern } from '@paravcl/shared/chunks/access-pattern';
import type { ChunkMember, PeerFault } from '@paravcl/shared/chunks/mirror-messages';
import { inflateRaw } from 'node:zlib';
import { promisify } from 'node:util';
import type { Logger } from 'pino';
import { sha256 } from './chunk-file';
import { ChunkUnavailable, type ChunkSource, type KnownImage } from './chunk-source';
import { noMembers, relayPlace, withMembers, withPattern, type MemberTable, type RelayPlace } from './member-table';
import { answerUnlessSilent, type Question } from './silence';

const inflate = promisify(inflateRaw);

/** The master as the fetcher sees it (master-door.ts). */
export interface MasterSource {
  want(id: ManifestId, index: number, urgent: boolean, insist: boolean): Question | null;
  opened(image: Pick<KnownImage, 'id'>): void;
  closed(id: ManifestId): void;
  fault(manifest: ManifestId, slaveId: string, fault: PeerFault, index: number): void;
  /** The master itself sent wrong bytes of this chunk. */
  wrongBytes(manifest: ManifestId, index: number): void;
  /** Whether the master was heard within this time. */
  isHeard(withinMs: number): boolean;
  /** It was asked and said nothing for long: the connection is given up for a new one. */
  giveUp(): void;
}

/** Other mirrors as the fetcher sees them (peer-connections.ts). */
export interface PeerSource {
  isWorthAsking(member: ChunkMember): boolean;
  to(member: ChunkMember, manifest: ManifestId): Promise<ChunkPort | null>;
  rest(slaveId: string): void;
  /** This image is no longer here: what is open for it ends. */
  leave(manifest: ManifestId): void;
}

interface Transfer {
  readonly bytes: Promise<Buffer>;
  urgent: boolean;
  /** Called when it becomes urgent while it waits for a connection. */
  onRaised: (() => void) | null;
  /** The question that is open now, and to whom. */
  question: Question | null;
  /** The master sends it to this host, or has sent it: others are named this host for it. */
  atMaster: boolean;
  /** Of this host, as it was when the chunk was asked for. */
  rank: number;
}

/** No byte of any kind from whom we asked for so long: somebody else is asked. A slow link is not a silent one. */
const silentMs = 5000;
/** The master itself, when it is the last to ask: after it the connection is held to be dead. */
const masterSilentMs = 10_000;
/** For a connection that is being made somebody who waits for a chunk waits no longer: hosts that are off may stand behind one another here. */
const urgentDialMs = 2000;
/** A member that the master names and that is not known yet: its address is on its way. */
const introductionMs = 1000;
const introductionEveryMs = 20;

/**
 * Brings chunks from other hosts, each at most once at a time:
 *
 * 1. Who hands it on to this host by the chunk's tree (shared/chunks/relay-tree) is asked; when this host is the owner, or nobody
 *    serves, the master.
 * 2. Who lacks it or falls silent is followed by the owner, then by the master; so is who does not take up a connection, after
 *    `urgentDialMs` when somebody waits.
 * 3. The master sends it, or names members who have it; they are asked, and when they fail too the master is
 *    asked to send it all the same.
 * 4. Without the master every member is asked for what it has.
 *
 * No byte leaves here whose hash is not the manifest's. Who gave wrong ones is reported and never asked again
 * by this process.
 */
export class Fetcher implements Omit<ChunkSource, 'manifest'> {
  private readonly transfers = new Map<string, Transfer>();
  private readonly tables = new Map<ManifestId, MemberTable>();
  private readonly liars = new Set<string>();
  fromPeersBytes = 0;
  fromMasterBytes = 0;

  constructor(
    private readonly master: MasterSource,
    private readonly peers: PeerSource,
    private readonly clock: Clock,
    private readonly log: Logger,
  ) {}

  members(id: ManifestId, change: Parameters<typeof withMembers>[1], anew: boolean): void {
    const known = this.tables.get(id) ?? noMembers;
    this.tables.set(id, withMembers(anew ? { ...known, members: new Map() } : known, change));
  }

  pattern(id: ManifestId, pattern: AccessPattern): void {
    this.tables.set(id, withPattern(this.tables.get(id) ?? noMembers, pattern));
  }

  opened(image: KnownImage): void {
    this.master.opened(image);
  }

  closed(id: ManifestId): void {
    this.master.closed(id);
    this.tables.delete(id);
    this.peers.leave(id);
  }

  /** The member of this number, whose address may still be on its way; null when it is not told of in time, or is a liar. */
  async introduced(id: ManifestId, number: number): Promise<ChunkMember | null> {
    const untilMs = this.clock.monotonicMs() + introductionMs;
    while (this.tables.get(id)?.members.has(number) !== true && this.clock.monotonicMs() < untilMs) await sleep(this.clock, introductionEveryMs);
    const member = this.tables.get(id)?.members.get(number);
    return member === undefined || this.liars.has(member.slaveId) ? null : member;
  }

  /**
   * Whether this host is to bring the chunk for another of this rank too: the master is sending it already, or by its own view it stands
   * before the other. Of others it says that it lacks them: what one table says to wait for, another might say back.
   */
  bringsFor(id: ManifestId, index: number, rank: number): boolean {
    const transfer = this.transfers.get(`${id}:${index}`);
    return transfer?.atMaster === true || (transfer?.rank ?? this.place(id, index).rank) < rank;
  }

  async fetch(image: KnownImage, index: number, urgent: boolean): Promise<Buffer> {
    const key = `${image.id}:${index}`;
    const known = this.transfers.get(key);
    if (known !== undefined) {
      if (urgent && !known.urgent) {
        known.urgent = true;
        known.question?.raise();
        known.onRaised?.();
      }
      return known.bytes;
    }
    const transfer: Transfer = { urgent, onRaised: null, question: null, atMaster: false, rank: this.place(image.id, index).rank, bytes: Promise.resolve().then(() => this.bring(image, index, transfer)).finally(() => this.transfers.delete(key)) };
    this.transfers.set(key, transfer);
    return transfer.bytes;
  }

  private place(id: ManifestId, index: number): RelayPlace {
    return relayPlace(this.tables.get(id) ?? noMembers, index);
  }

  private async bring(image: KnownImage, index: number, transfer: Transfer): Promise<Buffer> {
    const { rank, sources } = this.place(image.id, index);
    transfer.rank = rank;
    for (const number of sources) {
      const bytes = await this.fromMember(image, index, number, transfer, rank);
      if (bytes !== null) return bytes;
    }
    const first = await this.fromMaster(image, index, transfer, false);
    if (Buffer.isBuffer(first)) return first;
    for (const number of first) {
      await this.introduced(image.id, number);
      const bytes = await this.fromMember(image, index, number, transfer, 0);
      if (bytes !== null) return bytes;
    }
    const insisted = await this.fromMaster(image, index, transfer, true);
    if (Buffer.isBuffer(insisted)) return insisted;
    for (const number of (this.tables.get(image.id) ?? noMembers).members.keys()) {
      const bytes = await this.fromMember(image, index, number, transfer, 0);
      if (bytes !== null) return bytes;
    }
    throw new ChunkUnavailable(`Neither the master nor another host could give chunk ${index} of image ${image.id.slice(0, 12)}….`);
  }

  /** Null when it could not give it. `rank`: see Want. */
  private async fromMember(image: KnownImage, index: number, number: number, transfer: Transfer, rank: number): Promise<Buffer | null> {
    const table = this.tables.get(image.id) ?? noMembers;
    const member = table.members.get(number);
    if (member === undefined || number === table.self || this.liars.has(member.slaveId) || !this.peers.isWorthAsking(member)) return null;
    const port = await this.connected(this.peers.to(member, image.id), transfer);
    if (port === null) return null;
    const want = { channel: 0, index, urgent: transfer.urgent, insist: false, rank };
    const { number: request, answer } = port.ask(want);
    const found = await this.ask({ answer, port, raise: () => port.raise(request, want), cancel: () => port.cancel(request) }, transfer);
    if (found === 'silent') {
      // An owner that waits for the master has nothing to say either: when the master is silent to us too, it is no fault of the owner's.
      if (rank === 0 || this.master.isHeard(silentMs)) {
        this.master.fault(image.id, member.slaveId, 'silent', index);
        this.peers.rest(member.slaveId);
      }
      return null;
    }
    if (found.kind !== 'chunk') return null;
    const bytes = await checked(image, index, found);
    if (bytes !== null) {
      this.fromPeersBytes += found.data.length;
      return bytes;
    }
    this.liars.add(member.slaveId);
    this.peers.rest(member.slaveId);
    this.master.fault(image.id, member.slaveId, 'wrong-bytes', index);
    this.log.error({ slaveId: member.slaveId, manifest: image.id, index }, 'another host sent wrong bytes of an image; they were thrown away, and it is asked no more');
    return null;
  }

  /** Null when there is none, or somebody waits and it is not there soon: it goes on being made, for what is asked later. */
  private async connected(port: Promise<ChunkPort | null>, transfer: Transfer): Promise<ChunkPort | null> {
    let cancel: Cancel = () => undefined;
    const late = new Promise<null>((resolve) => {
      const giveUpSoon = (): void => void (cancel = this.clock.after(urgentDialMs, () => resolve(null)));
      if (transfer.urgent) giveUpSoon();
      else transfer.onRaised = giveUpSoon;
    });
    const found = await Promise.race([port, late]);
    transfer.onRaised = null;
    cancel();
    return found;
  }

  /** The bytes, or the members to ask instead; none when the master could not give it. */
  private async fromMaster(image: KnownImage, index: number, transfer: Transfer, insist: boolean): Promise<Buffer | readonly number[]> {
    const question = this.master.want(image.id, index, transfer.urgent, insist);
    if (question === null) return [];
    transfer.atMaster = true;
    const found = await this.ask(question, transfer, insist ? masterSilentMs : silentMs);
    const bytes = found !== 'silent' && found.kind === 'chunk' ? await checked(image, index, found) : null;
    transfer.atMaster = bytes !== null;
    if (found === 'silent' && insist) this.master.giveUp();
    if (found === 'silent' || found.kind === 'lack') return [];
    if (found.kind === 'redirect') return found.members;
    if (bytes === null) {
      this.log.error({ manifest: image.id, index }, 'the master sent wrong bytes of an image: its copy is damaged, or this host’s memory. It is told; other hosts are asked');
      this.master.wrongBytes(image.id, index);
      return [];
    }
    this.fromMasterBytes += found.data.length;
    return bytes;
  }

  private async ask(question: Question, transfer: Transfer, withinMs = silentMs): Promise<ChunkAnswer | 'silent'> {
    transfer.question = question;
    const found = await answerUnlessSilent(question, withinMs, this.clock);
    transfer.question = null;
    return found;
  }
}

/** The bytes as they are in the image; null when they are not its. */
async function checked({ manifest }: KnownImage, index: number, { encoding, data }: Extract<ChunkAnswer, { kind: 'chunk' }>): Promise<Buffer | null> {
  const length = chunkLength(manifest, index);
  // No answer may inflate to more than a chunk.
  const bytes = encoding === 'plain' ? data : await inflate(data, { maxOutputLength: length }).catch(() => null);
  if (bytes === null || bytes.length !== length) return null;
  return sha256(bytes).equals(chunkHash(manifest, index)) ? bytes : null;
}
