import type { Clock } from '@paravcl/shared/clock';
import { ChunkPort, type ChunkAnswer } from '@paravcl/shared/chunks/chunk-port';
import { manifestPartAt } from '@paravcl/shared/chunks/frames';
import { chunkCount, chunkHash, chunkLength, isZeroChunk } from '@paravcl/shared/chunks/manifest';
import { mostPartBytes, sentPart } from '@paravcl/shared/chunks/manifest-parts';
import { mirrorMessageSchema, mirrorProtocolVersion, type MasterToMirror, type MirrorMessage } from '@paravcl/shared/chunks/mirror-messages';
import type { ServedWant } from '@paravcl/shared/chunks/served-want';
import type { PacedStream, WayOut } from '@paravcl/shared/chunks/way-out';
import { randomBytes } from 'node:crypto';
import { isIP, type Socket } from 'node:net';
import { promisify } from 'node:util';
import { deflateRaw, inflateRaw } from 'node:zlib';
import type { MirrorBooks } from '../services/mirror-fleet';
import { oldestMirrorProtocol, type MirrorHello, type MirrorHelloService } from '../services/mirror-hello-service';
import type { RefusalLimiter } from '../services/refusal-limiter';
import type { StoredChunk } from '../store/chunk-encoding';
import type { ChunkStore } from '../store/chunk-store';
import type { ConnectedMirrors, RegisteredMirror } from './connected-mirrors';
import type { ImageSpreadRegistry, OpenImage } from './image-spread-registry';
import type { ManifestHealing } from './manifest-healing';
import type { PeerKeys } from './peer-keys';
import type { MirrorPresence, SharedImage } from './shared-image';
import type { StoreHealing } from './store-healing';

const deflate = promisify(deflateRaw);
const inflate = promisify(inflateRaw);

/** The part of pino this needs. */
export interface MirrorLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

export interface MirrorSessionParts {
  readonly clock: Clock;
  readonly log: MirrorLog;
  readonly siteId: string;
  readonly hellos: MirrorHelloService;
  readonly mirrors: ConnectedMirrors;
  readonly registry: ImageSpreadRegistry;
  readonly keys: PeerKeys;
  readonly books: MirrorBooks;
  readonly store: Pick<ChunkStore, 'read'>;
  readonly healing: Pick<StoreHealing, 'told' | 'missed'>;
  readonly manifests: Pick<ManifestHealing, 'found'>;
  /** Called with the bytes of every chunk that is handed to a mirror, as they are sent. */
  readonly onChunkSent: (bytes: number) => void;
}

/** Times and limits of one connection. */
export interface MirrorLimits {
  /** From the connection to an accepted hello. */
  readonly handshakeMs: number;
  /** Images that one mirror may have open: more than a host has guests. Those above it are not opened, and the others stay. */
  readonly maxChannels: number;
}

/** A hello has some hundred. Before it is proven who speaks, nobody may make us hold more. */
const unprovenBytes = 16 * 1024;
/** Messages that wait to be handled; above it the mirror is not read. */
const mostWaiting = 32;
/** After the last word, so that it is read. */
const goodByeMs = 500;

/** One sentence for both: who may not have an image need not learn that it is there. */
const notGiven =
  'No image version that is given out now has this content, or this host may not have it: a volunteer’s machine is given public images, and those that guests placed or booked on it start from. It is asked for again later.';

/** To who may have it. */
const listLost = 'The list of chunks of this image is lost in the master’s store. It comes back from the first host that opens the image and has it; it is asked for again soon.';

interface Channel {
  readonly manifest: string;
  /** Null when it was not granted, or its connection has ended. */
  readonly opened: Promise<OpenImage | null>;
}

/**
 * One connection of a mirror: challenged → (hello) judging → accepted, or refused; ended from anywhere. Nothing but a hello is heard
 * before it is accepted. Messages are handled one after another, in their order; chunks are answered meanwhile. What no honest mirror
 * sends ends the connection, and nothing else.
 */
export class MirrorSession implements RegisteredMirror {
  private readonly nonce = randomBytes(32).toString('base64url');
  private readonly stream: PacedStream;
  private readonly port: ChunkPort;
  private readonly channels = new Map<number, Channel>();
  /** Channels above the limit: an honest mirror asks on them, and closes them, before it hears that. */
  private readonly turnedAway = new Set<number>();
  private stage: 'challenged' | 'judging' | 'accepted' | 'refused' | 'ended' = 'challenged';
  private presence: MirrorPresence | null = null;
  private name = '';
  private unproven = 0;
  private turn: Promise<void> = Promise.resolve();
  private waiting = 0;

  constructor(
    private readonly socket: Socket,
    readonly address: string,
    /** Rises with every connection. */
    readonly order: number,
    private readonly parts: MirrorSessionParts & { readonly out: WayOut; readonly strangers: RefusalLimiter; readonly limits: MirrorLimits },
    /** Called once, when the hello is accepted or the connection ends without: it is no longer unproven. */
    private readonly onProvenOrEnded: () => void,
    private readonly onEnded: (session: MirrorSession) => void,
  ) {
    socket.setNoDelay(true);
    socket.setKeepAlive(true, 15_000);
    // The HTTPS server's deadline is for requests; a mirror may have nothing to say for days.
    socket.setTimeout(0);
    socket.on('data', (piece: Buffer) => this.countUnproven(piece.length));
    this.stream = parts.out.paced(socket);
    this.port = new ChunkPort(this.stream, {
      onControl: (message) => this.hear(message),
      onWant: (want) => this.answer(want),
      onClose: (why) => this.ended(why),
    }, parts.clock);
    parts.clock.after(parts.limits.handshakeMs, () => {
      if (this.stage !== 'accepted') this.port.close('no hello was accepted in time');
    });
    this.send({ type: 'challenge', siteId: parts.siteId, nonce: this.nonce, protocol: { newest: mirrorProtocolVersion, oldest: oldestMirrorProtocol } });
  }

  send(message: MasterToMirror): void {
    this.port.sendControl(message);
  }

  refuse(code: Extract<MasterToMirror, { type: 'refused' }>['code'], sentence: string): void {
    if (this.stage === 'refused' || this.stage === 'ended') return;
    this.stage = 'refused';
    this.letGo();
    this.send({ type: 'refused', code, sentence: sentence.slice(0, 1000) });
    this.parts.clock.after(goodByeMs, () => this.port.close(sentence));
  }

  /** The master stops; the mirror dials again. */
  goAway(): void {
    this.port.close('the master is stopping');
  }

  private countUnproven(bytes: number): void {
    if (this.stage === 'accepted') return;
    this.unproven += bytes;
    if (this.unproven > unprovenBytes) this.socket.destroy();
  }

  /** Throws for what no honest mirror says: the port ends the connection then. */
  private hear(raw: unknown): void {
    const message = mirrorMessageSchema.parse(raw);
    if (this.stage === 'refused' || this.stage === 'ended') return;
    if (this.stage !== 'accepted') {
      if (this.stage !== 'challenged' || message.type !== 'hello') throw new RangeError(`The first word of a mirror is its hello, not ${message.type}.`);
      this.stage = 'judging';
      return this.inTurn(() => this.hello(message));
    }
    switch (message.type) {
      case 'hello':
        throw new RangeError('A mirror says hello once.');
      case 'open':
        return this.open(message);
      case 'close':
        return this.close(message.channel);
      case 'holdings':
        return this.inTurn(() => Promise.resolve(this.parts.mirrors.holds(this.slaveId, message.images, message.poolFull)));
      case 'recorded':
        return this.inTurn(() => this.booked(this.recorded(message)));
      case 'peer-fault':
        return this.inTurn(() => this.peerFault(message));
      case 'master-fault':
        return this.parts.healing.told(this.slaveId, message.manifest, message.index);
    }
  }

  private get slaveId(): string {
    return this.presence?.slaveId ?? '';
  }

  /** In the order in which it was said. A fault of ours ends the connection: the mirror dials again and says it all anew. */
  private inTurn(work: () => Promise<void>): void {
    this.waiting += 1;
    if (this.waiting >= mostWaiting) this.socket.pause();
    this.turn = this.turn
      .then(() => (this.stage === 'ended' ? undefined : work()))
      .catch((error: unknown) => {
        this.parts.log.warn({ err: error, slaveId: this.slaveId, address: this.address }, 'a fault on a mirror’s connection');
        this.port.close('a fault of the master; dial again');
      })
      .then(() => {
        this.waiting -= 1;
        if (this.waiting < mostWaiting && this.socket.isPaused()) this.socket.resume();
      });
  }

  private async hello(hello: MirrorHello): Promise<void> {
    const { hellos, mirrors, keys, strangers, log, clock } = this.parts;
    const verdict = await hellos.judge(hello, { nonce: this.nonce, address: this.address });
    if (verdict.kind === 'refused') {
      if (verdict.stranger) strangers.refused(this.address);
      log.warn({ slaveId: hello.slaveId, address: this.address, code: verdict.code }, `a mirror is refused: ${verdict.sentence}`);
      return this.refuse(verdict.code, verdict.sentence);
    }
    if (this.stage !== 'judging') return;
    const { slaveId, peer } = hello;
    const told = peer?.address ?? null;
    this.name = verdict.name;
    this.presence = {
      slaveId,
      volunteer: verdict.volunteer,
      // Others dial it: a name would be looked up by each of them.
      address: told !== null && isIP(told) !== 0 ? told : this.address,
      port: peer?.port ?? null,
      send: (message) => this.send(message),
      ask: (want) => this.port.ask(want),
      cancel: (number) => this.port.cancel(number),
    };
    if (!mirrors.register(this, slaveId)) return this.refuse('newer-session', `A newer connection of the mirror of ${verdict.name} took over.`);
    // Whoever changed its admission since it was judged may not have found it.
    if (!(await hellos.isAdmitted(slaveId))) return this.refuse('not-approved', `${verdict.name} is not approved any more.`);
    // Another connection, or an operator, may have ended this one meanwhile.
    if (this.isOver) return;
    this.stage = 'accepted';
    this.onProvenOrEnded();
    log.info({ slaveId, address: this.address, build: hello.build }, `the mirror of ${verdict.name} is connected`);
    this.send({ type: 'welcome', peerSecret: keys.secretOf(slaveId), masterTime: new Date(clock.now()).toISOString() });
    mirrors.welcomed(slaveId);
  }

  private get isOver(): boolean {
    return this.stage === 'refused' || this.stage === 'ended';
  }

  private open({ channel, manifest, have }: Extract<MirrorMessage, { type: 'open' }>): void {
    const known = this.channels.get(channel);
    if (known !== undefined && known.manifest !== manifest) throw new RangeError(`Channel ${channel} is open for another image.`);
    if (known === undefined && this.channels.size >= this.parts.limits.maxChannels) return this.turnAway(channel);
    this.turnedAway.delete(channel);
    if (known !== undefined) return this.inTurn(async () => this.tellHave(await known.opened, have));
    // It is known at once, so that what is asked for it from now on waits.
    this.channels.set(channel, {
      manifest,
      opened: new Promise((resolve) => {
        this.inTurn(async () => resolve(await this.opened(channel, manifest, have).catch((error: unknown) => {
          resolve(null);
          throw error;
        })));
      }),
    });
  }

  private async opened(channel: number, manifest: string, have: string): Promise<OpenImage | null> {
    const { books, registry, manifests } = this.parts;
    const version = await books.imageOf(manifest, this.slaveId);
    // One that is damaged must not cost the connection, over which other images come.
    const stored = version === null || this.presence === null ? null : await manifests.found(manifest, this.presence, channel);
    if (this.isOver || this.channels.get(channel) === undefined || this.presence === null) return null;
    if (version === null) return this.notOpened(channel, notGiven);
    if (stored === null) return this.notOpened(channel, listLost);
    const opened = registry.open(manifest, stored.manifest, this.presence, channel);
    if (opened === null) return this.notOpened(channel, 'This mirror has the image open already, or more do than can share it.');
    try {
      await this.tellHave(opened, have);
    } catch (error) {
      registry.close(opened);
      throw error;
    }
    this.send({ type: 'pattern', channel, pattern: version.pattern });
    return opened;
  }

  private turnAway(channel: number): void {
    this.turnedAway.add(channel);
    this.notOpened(channel, `This mirror has ${this.parts.limits.maxChannels} images open, the most there may be. Remove guests from this host, or images that are kept on it ahead of time.`);
  }

  private notOpened(channel: number, sentence: string): null {
    this.send({ type: 'not-opened', channel, sentence });
    return null;
  }

  private async tellHave(opened: OpenImage | null, have: string): Promise<void> {
    if (opened === null) return;
    const { image, member } = opened;
    // Nobody may make us inflate more bits than the image has chunks.
    member.chunks.replace(have === 'all' ? 'all' : have === '' ? new Uint8Array() : await inflate(Buffer.from(have, 'base64'), { maxOutputLength: Math.ceil(chunkCount(image.manifest) / 8) }));
  }

  private close(number: number): void {
    const channel = this.channels.get(number);
    if (channel === undefined) {
      if (!this.turnedAway.delete(number)) throw new RangeError(`Channel ${number} is not open.`);
      return;
    }
    this.channels.delete(number);
    void channel.opened.then((opened) => {
      if (opened !== null) this.parts.registry.close(opened);
    });
  }

  private async peerFault({ manifest, slaveId, fault }: Extract<MirrorMessage, { type: 'peer-fault' }>): Promise<void> {
    const { mirrors, registry, books, log } = this.parts;
    if (!mirrors.isKnown(slaveId)) return;
    log.warn({ slaveId, toldBy: this.slaveId, manifest, fault }, 'a mirror tells of another');
    if (registry.report(this.slaveId, slaveId, manifest, fault)) await this.booked(books.gaveWrongBytes(slaveId, manifest, this.slaveId));
  }

  private async recorded({ manifest, instanceId, recording }: Extract<MirrorMessage, { type: 'recorded' }>): Promise<void> {
    const late = await this.parts.books.recorded(manifest, this.slaveId, instanceId, recording);
    if (late !== null) this.parts.log.info({ slaveId: this.slaveId, instanceId, manifest }, late);
  }

  /** What cannot be written down is no reason to serve no chunks. */
  private async booked(written: Promise<void>): Promise<void> {
    await written.catch((error: unknown) => this.parts.log.warn({ err: error, slaveId: this.slaveId }, 'what a mirror told could not be written down'));
  }

  private async answer(want: ServedWant): Promise<ChunkAnswer> {
    const { channel: number, index, insist } = want;
    if (this.stage === 'refused') return { kind: 'lack', why: 'refused' };
    const channel = this.channels.get(number);
    if (this.turnedAway.has(number)) return { kind: 'lack', why: 'refused' };
    if (this.stage !== 'accepted' || channel === undefined) return this.hostile(`Chunk ${index} was asked for on channel ${number}, which is not open.`);
    const opened = await channel.opened;
    if (opened === null) return { kind: 'lack', why: 'refused' };
    const { image, member } = opened;
    const { manifest } = image;
    const part = manifestPartAt(index);
    if (part !== null) return this.answerManifestPart(opened, part, want);
    if (index >= chunkCount(manifest)) return this.hostile(`Chunk ${index} was asked for of an image of ${chunkCount(manifest)}.`);
    if (isZeroChunk(manifest, index) || want.cancelled) return { kind: 'lack', why: 'absent' };
    const who = image.asked(member, index, insist);
    if (who.kind === 'others') return { kind: 'redirect', members: who.members };
    const found = await this.stream.send(chunkLength(manifest, index), want, () => this.fromStore(image, index));
    if (found === null) {
      image.unsent(member, index);
      return { kind: 'lack', why: want.cancelled ? 'failed' : 'absent' };
    }
    this.parts.onChunkSent(found.data.length);
    return { kind: 'chunk', encoding: found.encoding, data: found.data };
  }

  /** Not hashed: the mirror does that, and says so when it is wrong. */
  private async fromStore(image: SharedImage, index: number): Promise<StoredChunk | null> {
    const found = await this.parts.store.read(chunkHash(image.manifest, index)).catch((error: unknown) => {
      this.parts.log.warn({ err: error, manifest: image.id, index }, 'a chunk could not be read from the store');
      return null;
    });
    if (found === null) this.parts.healing.missed(image, index);
    return found;
  }

  /** The first part says who sends the manifest. Further ones are asked for here when that is the master, or when whom it named failed. */
  private async answerManifestPart({ image, member }: OpenImage, part: number, want: ServedWant): Promise<ChunkAnswer> {
    if (part >= image.manifest.parts.length) return this.hostile(`Part ${part} was asked for of a manifest of ${image.manifest.parts.length}.`);
    const who = part === 0 ? image.askedManifest(member, want.insist) : null;
    if (who?.kind === 'others') return { kind: 'redirect', members: who.members };
    const found = await this.stream.send(mostPartBytes, want, () => sentPart(image.manifest, part, (encoded) => deflate(encoded, { level: 1 })));
    return found === null ? { kind: 'lack', why: 'failed' } : { kind: 'chunk', ...found };
  }

  private hostile(why: string): ChunkAnswer {
    this.port.close(why);
    return { kind: 'lack', why: 'refused' };
  }

  private ended(why: string): void {
    if (this.stage === 'accepted') this.parts.log.info({ slaveId: this.slaveId, address: this.address, why }, `the connection of the mirror of ${this.name} ended`);
    this.stage = 'ended';
    this.letGo();
    this.onEnded(this);
  }

  /** From here on nobody is sent to it, and it is found no more. */
  private letGo(): void {
    this.onProvenOrEnded();
    if (this.presence !== null) this.parts.mirrors.remove(this, this.presence.slaveId);
    for (const number of [...this.channels.keys()]) this.close(number);
  }
}
