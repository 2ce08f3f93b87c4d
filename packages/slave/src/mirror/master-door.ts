import type { Cancel, Clock, EpochMs } from '@paravcl/shared/clock';
import type { AccessPattern, Recording } from '@paravcl/shared/chunks/access-pattern';
import { ChunkPort, type AskedWant, type ChunkAnswer } from '@paravcl/shared/chunks/chunk-port';
import { manifestPartAt, type Want } from '@paravcl/shared/chunks/frames';
import type { Manifest, ManifestId } from '@paravcl/shared/chunks/manifest';
import { sentPart } from '@paravcl/shared/chunks/manifest-parts';
import {
  masterToMirrorSchema, mirrorHelloSigningInput, mirrorPath, mirrorProtocolVersion, mirrorUpgrade,
  type ChunkMember, type ImageHolding, type MasterToMirror, type MirrorMessage, type PeerFault, type PreCopy,
} from '@paravcl/shared/chunks/mirror-messages';
import { reconnectDelayMs } from '@paravcl/shared/protocol/reconnect';
import { request } from 'node:https';
import type { Duplex } from 'node:stream';
import type { Socket } from 'node:net';
import { deflateRaw, deflateRawSync } from 'node:zlib';
import { promisify } from 'node:util';
import type { Logger } from 'pino';
import type { AgentKey } from '../link/identity';
import type { KnownImage } from './chunk-source';

const deflate = promisify(deflateRaw);
/** Bits of 32 GiB in usual chunks: deflated in less time than it takes to hand them to another thread of a busy host. */
const smallBits = 64 * 1024;
const deflated = (bits: Buffer): Buffer | Promise<Buffer> => (bits.length <= smallBits ? deflateRawSync(bits) : deflate(bits));

export interface MasterDoorParts {
  readonly clock: Clock;
  readonly log: Logger;
  /** 0 ≤ x < 1. */
  readonly random: () => number;
  readonly masterUrl: string;
  readonly ca?: readonly string[];
  readonly slaveId: string;
  readonly siteId: string;
  readonly machineId: string;
  readonly build: string;
  readonly key: AgentKey;
  /** Where others reach this mirror; null when it serves nobody. */
  peer(): { readonly port: number; readonly address: string | null } | null;
  /** Bits of what is here of an image that is open; null when it is not. */
  present(id: ManifestId): { readonly bits: Buffer; readonly complete: boolean } | null;
  /** Of an image that is here: the master asks for its parts when its own copy was damaged. */
  manifest(id: ManifestId): Manifest | null;
  /** One chunk that is here: the master asks for it when its own copy was damaged. */
  held(id: ManifestId, index: number): Promise<Buffer | null>;
}

/** What the welcome says for those who ask this mirror. */
export interface WelcomedSecret {
  /** base64url; keys of askers follow from it (shared/chunks/psk). */
  readonly secret: string;
  /** The master's wall clock as it sent this: by it keys expire. */
  readonly masterTimeMs: EpochMs;
}

/** What the master says, by image. */
export interface MasterDoorListener {
  onSecret(welcomed: WelcomedSecret): void;
  /** `anew`: the first word of this connection about the image, which replaces what was known: the master's numbering began anew. */
  onMembers(id: ManifestId, change: { readonly self: number | null; readonly set: readonly ChunkMember[]; readonly gone: readonly number[] }, anew: boolean): void;
  onPattern(id: ManifestId, pattern: AccessPattern): void;
  onPreCopy(images: readonly { readonly manifest: ManifestId; readonly what: PreCopy }[]): void;
  onGone(manifests: readonly ManifestId[]): void;
  onUp(): void;
}

const connectWithinMs = 10_000;
const greetWithinMs = 30_000;
/** After a refusal that only people can mend: seldom, but an approval that somebody waits for is soon noticed. */
const refusedMs = 30_000;
const notApprovedMs = 2000;
const lastedMs = 10_000;
/** After an image was refused, doubled each time: about as soon as a guest can be placed; later seldom, as images of former guests are kept for weeks. */
const leastReopenMs = 2000;
const mostReopenMs = 300_000;
/** Recordings that wait for the master; older ones are dropped: they are samples. */
const mostRecordings = 20;

interface Connection {
  readonly port: ChunkPort;
  /** Ends the wait for the welcome. */
  readonly greeted: Cancel;
  up: boolean;
  /** When the last bytes came. */
  heardAtMs: number;
  /** Channels that were opened on this connection: only on them may be asked for chunks. */
  readonly opened: Set<number>;
  /** Channels whose members were told on this connection. */
  readonly told: Set<number>;
  /** How often an image was refused, by channel, since it was given last, and why. */
  readonly refusals: Map<number, { readonly times: number; readonly sentence: string }>;
}

/** The mirror's one connection to the master, dialled by the mirror; dialled again whenever it ends. */
export class MasterDoor {
  private current: Connection | null = null;
  private readonly channels = new Map<ManifestId, number>();
  private readonly images = new Map<number, ManifestId>();
  private nextChannel = 1;
  private readonly recordings: { readonly manifest: ManifestId; readonly instanceId: string; readonly recording: Recording }[] = [];
  private attempt = 0;
  private stopped = false;
  private quietUntilRetryMs: number | null = null;
  private cancelRetry: Cancel | null = null;
  private upSinceMs = 0;
  private upSince: number | null = null;

  constructor(
    private readonly parts: MasterDoorParts,
    private readonly listener: MasterDoorListener,
  ) {}

  /** When the present connection came up, by the wall clock; null while there is none. */
  get since(): number | null {
    return this.isUp ? this.upSince : null;
  }

  get isUp(): boolean {
    return this.current?.up === true && this.current.port.isOpen;
  }

  start(): void {
    this.dial();
  }

  stop(): void {
    this.stopped = true;
    this.cancelRetry?.();
    this.current?.port.close('this mirror stops');
  }

  /** The master is told that this host uses the image, now and at every welcome. */
  opened({ id }: Pick<KnownImage, 'id'>): void {
    if (this.channels.has(id)) return;
    while (this.images.has(this.nextChannel)) this.nextChannel = (this.nextChannel % 0xffff) + 1;
    const channel = this.nextChannel;
    this.nextChannel = (channel % 0xffff) + 1;
    this.channels.set(id, channel);
    this.images.set(channel, id);
    void this.sayOpen(id, channel);
  }

  closed(id: ManifestId): void {
    const channel = this.channels.get(id);
    if (channel === undefined) return;
    this.channels.delete(id);
    this.images.delete(channel);
    this.current?.told.delete(channel);
    this.current?.refusals.delete(channel);
    if (this.current?.opened.delete(channel) === true) this.say({ type: 'close', channel });
  }

  /** Null while the master cannot be asked for it. `raise` tells that somebody waits for it now. */
  want(id: ManifestId, index: number, urgent: boolean, insist: boolean): { readonly answer: Promise<ChunkAnswer>; raise(): void; cancel(): void; readonly port: ChunkPort } | null {
    const channel = this.channels.get(id);
    const port = this.current?.port;
    if (!this.isUp || port === undefined || channel === undefined || this.current?.opened.has(channel) !== true) return null;
    const want: AskedWant = { channel, index, urgent, insist };
    const { number, answer } = port.ask(want);
    return { answer, raise: () => port.raise(number, want), cancel: () => port.cancel(number), port };
  }

  isHeard(withinMs: number): boolean {
    return this.isUp && this.parts.clock.monotonicMs() - (this.current?.heardAtMs ?? -Infinity) <= withinMs;
  }

  /** Keepalives do not tell of a link that was cut while something was on its way. */
  giveUp(): void {
    this.current?.port.close('the master fell silent');
  }

  /** Why the master gives nothing of this image; null while it does, or has not said. */
  refusal(id: ManifestId): string | null {
    return this.current?.refusals.get(this.channels.get(id) ?? -1)?.sentence ?? null;
  }

  holdings(images: readonly ImageHolding[], poolFull: boolean): void {
    this.say({ type: 'holdings', images: [...images], poolFull });
  }

  recorded(manifest: ManifestId, instanceId: string, recording: Recording): void {
    this.recordings.push({ manifest, instanceId, recording });
    if (this.recordings.length > mostRecordings) this.recordings.shift();
    this.sayRecordings();
  }

  fault(manifest: ManifestId, slaveId: string, fault: PeerFault, index: number): void {
    this.say({ type: 'peer-fault', manifest, slaveId, fault, index });
  }

  /** The master itself sent wrong bytes of this chunk: it looks at its own copy. */
  wrongBytes(manifest: ManifestId, index: number): void {
    this.say({ type: 'master-fault', manifest, index });
  }

  private say(message: MirrorMessage): void {
    if (this.isUp) this.current?.port.sendControl(message);
  }

  private async sayOpen(id: ManifestId, channel: number): Promise<void> {
    const connection = this.current;
    const present = this.parts.present(id);
    const have = present === null ? '' : present.complete ? 'all' : (await deflated(present.bits)).toString('base64');
    if (this.channels.get(id) !== channel || this.current !== connection || !this.isUp || connection === null) return;
    connection.opened.add(channel);
    this.say({ type: 'open', channel, manifest: id, have });
  }

  private sayRecordings(): void {
    while (this.isUp) {
      const next = this.recordings.shift();
      if (next === undefined) return;
      this.say({ type: 'recorded', ...next });
    }
  }

  private dial(): void {
    const { masterUrl, ca, log, clock } = this.parts;
    this.quietUntilRetryMs = null;
    let over = false;
    const failed = (why: string): void => {
      if (over) return;
      over = true;
      cancel();
      call.destroy();
      log.warn({ master: masterUrl, why }, 'the mirror does not reach the master; what is here and at other hosts is served on');
      this.again(false);
    };
    const cancel = clock.after(connectWithinMs, () => failed(`no answer within ${connectWithinMs / 1000} s`));
    const call = request(new URL(mirrorPath, masterUrl), {
      headers: { connection: 'Upgrade', upgrade: mirrorUpgrade },
      agent: false,
      ...(ca === undefined ? {} : { ca: [...ca] }),
    });
    call.on('error', (error) => failed(error.message));
    call.on('response', (response) => failed(`status ${response.statusCode ?? 0}`));
    call.on('upgrade', (_, socket, head) => {
      if (over || this.stopped) return socket.destroy();
      over = true;
      cancel();
      this.greet(socket as Socket, head);
    });
    call.end();
  }

  private greet(socket: Duplex & Pick<Socket, 'setNoDelay' | 'setKeepAlive' | 'setTimeout'>, head: Buffer): void {
    socket.setNoDelay(true);
    socket.setKeepAlive(true, 15_000);
    socket.setTimeout(0);
    const cancel = this.parts.clock.after(greetWithinMs, () => port.close(`no welcome within ${greetWithinMs / 1000} s`));
    const port: ChunkPort = new ChunkPort(socket, {
      onControl: (message) => {
        const parsed = masterToMirrorSchema.safeParse(message);
        // One message that cannot be understood must not cost the connection.
        if (!parsed.success) this.parts.log.error({ err: parsed.error }, 'a message of the master was not understood and is ignored');
        else this.hear(connection, parsed.data);
      },
      onWant: (want) => this.answer(want),
      onClose: (why) => {
        cancel();
        this.down(connection, why);
      },
    }, this.parts.clock);
    const connection: Connection = { port, greeted: cancel, up: false, heardAtMs: this.parts.clock.monotonicMs(), opened: new Set(), told: new Set(), refusals: new Map() };
    this.current = connection;
    socket.on('data', () => {
      connection.heardAtMs = this.parts.clock.monotonicMs();
    });
    if (head.length > 0) socket.unshift(head);
  }

  private hear(connection: Connection, message: MasterToMirror): void {
    if (connection !== this.current) return;
    const { log, clock } = this.parts;
    switch (message.type) {
      case 'challenge':
        return this.hello(connection, message);
      case 'welcome':
        connection.greeted();
        connection.up = true;
        this.upSinceMs = clock.monotonicMs();
        this.upSince = clock.now();
        log.info({ master: this.parts.masterUrl }, 'the mirror is connected to the master');
        this.listener.onSecret({ secret: message.peerSecret, masterTimeMs: Date.parse(message.masterTime) });
        for (const [id, channel] of this.channels) void this.sayOpen(id, channel);
        this.sayRecordings();
        return this.listener.onUp();
      case 'refused':
        this.quietUntilRetryMs = message.code === 'not-approved' ? notApprovedMs : refusedMs;
        log.error({ code: message.code }, `the master refuses this mirror: ${message.sentence}`);
        return connection.port.close('refused');
      case 'not-opened':
        return this.notOpened(connection, message);
      case 'members': {
        const id = this.images.get(message.channel);
        if (id === undefined) return;
        connection.refusals.delete(message.channel);
        const anew = !connection.told.has(message.channel);
        connection.told.add(message.channel);
        return this.listener.onMembers(id, message, anew);
      }
      case 'pattern': {
        const id = this.images.get(message.channel);
        if (id !== undefined) this.listener.onPattern(id, message.pattern);
        return;
      }
      case 'pre-copy':
        return this.listener.onPreCopy(message.images);
      case 'gone':
        return this.listener.onGone(message.manifests);
    }
  }

  /** It may be given a moment later, when a guest of it is placed here, or there is room for it: asked for again while it is open here. */
  private notOpened(connection: Connection, { channel, sentence }: Extract<MasterToMirror, { type: 'not-opened' }>): void {
    const id = this.images.get(channel);
    // Closed here meanwhile, and the master was told.
    if (id === undefined || !connection.opened.has(channel)) return;
    const { log, clock, random } = this.parts;
    const times = (connection.refusals.get(channel)?.times ?? 0) + 1;
    connection.refusals.set(channel, { times, sentence });
    if (times === 1) log.warn({ manifest: id }, `the master gives nothing of an image: ${sentence}`);
    const delayMs = Math.min(leastReopenMs * 2 ** (times - 1), mostReopenMs) * (0.5 + random());
    clock.after(delayMs, () => {
      if (this.current !== connection || this.images.get(channel) !== id || !connection.opened.delete(channel)) return;
      this.say({ type: 'close', channel });
      void this.sayOpen(id, channel);
    });
  }

  private hello(connection: Connection, { siteId, nonce, protocol }: Extract<MasterToMirror, { type: 'challenge' }>): void {
    const { parts } = this;
    if (siteId !== parts.siteId || protocol.oldest > mirrorProtocolVersion) {
      this.quietUntilRetryMs = refusedMs;
      parts.log.error({ siteId, protocol }, siteId === parts.siteId ? 'this mirror is older than the master takes: upgrade this host' : 'this master belongs to another site than the one this host is enrolled at');
      return connection.port.close('no common ground');
    }
    connection.port.sendControl({
      type: 'hello',
      protocol: mirrorProtocolVersion,
      slaveId: parts.slaveId,
      machineId: parts.machineId,
      publicKey: parts.key.publicKey,
      signature: parts.key.sign(mirrorHelloSigningInput(nonce, parts.slaveId)),
      build: parts.build,
      peer: parts.peer(),
    } satisfies MirrorMessage);
  }

  private async answer({ channel, index }: Want): Promise<ChunkAnswer> {
    const id = this.images.get(channel);
    if (id === undefined) return { kind: 'lack', why: 'absent' };
    const part = manifestPartAt(index);
    if (part !== null) return this.answerManifestPart(id, part);
    const data = await this.parts.held(id, index);
    return data === null ? { kind: 'lack', why: 'absent' } : { kind: 'chunk', encoding: 'plain', data };
  }

  private async answerManifestPart(id: ManifestId, part: number): Promise<ChunkAnswer> {
    const manifest = this.parts.manifest(id);
    if (manifest === null || part >= manifest.parts.length) return { kind: 'lack', why: 'absent' };
    return { kind: 'chunk', ...(await sentPart(manifest, part, (encoded) => deflate(encoded, { level: 1 }))) };
  }

  private down(connection: Connection, why: string): void {
    if (connection !== this.current) return;
    this.current = null;
    if (this.stopped) return;
    this.parts.log.info({ why }, 'the mirror’s connection to the master ended; what is here and at other hosts is served on');
    this.again(connection.up && this.parts.clock.monotonicMs() - this.upSinceMs >= lastedMs);
  }

  private again(lasted: boolean): void {
    if (this.stopped) return;
    if (lasted) this.attempt = 0;
    const { random, clock } = this.parts;
    const delayMs = this.quietUntilRetryMs === null ? reconnectDelayMs(this.attempt, random()) : this.quietUntilRetryMs * (0.5 + random());
    this.attempt += 1;
    this.cancelRetry = clock.after(delayMs, () => this.dial());
  }
}
