import type { Cancel, Clock } from '@paravcl/shared/clock';
import { ChunkPort, type ChunkAnswer, type ChunkPortHandlers } from '@paravcl/shared/chunks/chunk-port';
import { manifestPartAt } from '@paravcl/shared/chunks/frames';
import { chunkCount, chunkLength, type Manifest, type ManifestId } from '@paravcl/shared/chunks/manifest';
import { mostPartBytes, sentPart } from '@paravcl/shared/chunks/manifest-parts';
import { pskBytes, pskCiphers, readPskIdentity, secretIdLength } from '@paravcl/shared/chunks/psk';
import type { ServedWant } from '@paravcl/shared/chunks/served-want';
import { WayOut, type PacedStream } from '@paravcl/shared/chunks/way-out';
import { createHash, createHmac } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import { createServer, type Server, type TLSSocket } from 'node:tls';
import { promisify } from 'node:util';
import { deflateRaw } from 'node:zlib';
import type { Logger } from 'pino';
import { ChunkUnavailable } from './chunk-source';
import type { ImageLibrary, LocalImage } from './local-image';
import type { WelcomedSecret } from './master-door';

const deflate = promisify(deflateRaw);

export interface PeerServerOptions {
  /** 0: any that is free. */
  readonly port: number;
  readonly images: Pick<ImageLibrary, 'find' | 'soon'>;
  /** Whether this host is to bring a chunk that it lacks for another of this rank (fetcher.ts). */
  bringsFor(id: ManifestId, index: number, rank: number): boolean;
  /** As much as there is, once this part has come, of a manifest that is being fetched; null when it does not come. */
  manifestUpTo(id: ManifestId, part: number): Promise<Manifest | null>;
  readonly clock: Clock;
  readonly log: Logger;
}

/** A connection is for one image and one host: a few of each for every host of a large site. */
const mostConnections = 1024;
const handshakeWithinMs = 5000;
/** Of a link of 1 Gbit/s some hundred milliseconds, and no more memory than a lab PC spares. */
const outLimits = { bytes: 64 * 1024 * 1024, bytesPerConnection: 1024 * 1024 };
/** Chunks that were brought for others and wait for room on the way out; of what is beyond the bytes are let go of, and read from the disk. */
const mostBroughtBytes = 32 * 1024 * 1024;
/**
 * Who asks for a chunk of an image that is just being opened waits so long for it. That is longer than it bears silence (fetcher.ts), and
 * less than it bears to be answered nothing (silence.ts): meanwhile it hears each second that this host is there (`alive`).
 */
const openWithinMs = 8000;
const lookForStuckMs = 20_000;
/** Of the master's present start and of the one before: who was told keys by that one still uses them. */
const secretsKept = 2;

interface Brought {
  /** Null: to be read from the disk. */
  readonly data: Buffer | null;
}

const isHere: Brought = { data: null };

/**
 * Serves the chunks of this host to other mirrors. Who may ask for what is in the key they come with (shared/chunks/psk): one connection
 * is for one image. What is not here is brought only when that is this host's part, so that no two hosts wait for each other.
 */
export class PeerServer {
  private readonly server: Server;
  private readonly out = new WayOut(outLimits);
  /** From the first packet on, so also those that have not proved anything yet. */
  private readonly open = new Set<Socket>();
  /** base64url, the newest first. */
  private secrets: readonly string[] = [];
  /** The master's wall clock ahead of our monotonic one, as of the last welcome; null before it. */
  private masterAheadMs: number | null = null;
  private readonly manifests = new WeakMap<object, ManifestId>();
  private cancelLook: Cancel;
  private broughtBytes = 0;
  /** Chunk bytes sent since the start. */
  toPeersBytes = 0;

  private constructor(private readonly options: PeerServerOptions) {
    this.server = createServer(
      {
        ciphers: pskCiphers,
        // The only version in which Node's PSK needs no certificate.
        minVersion: 'TLSv1.2',
        maxVersion: 'TLSv1.2',
        // No certificate is looked at: those of the system need not be read.
        ca: [],
        handshakeTimeout: handshakeWithinMs,
        pskCallback: (socket, identity) => this.keyOf(socket, identity),
      },
      (socket) => this.accept(socket),
    );
    this.server.maxConnections = mostConnections;
    this.server.on('connection', (socket: Socket) => {
      this.open.add(socket);
      socket.once('close', () => this.open.delete(socket));
    });
    this.server.on('tlsClientError', (error, socket) => {
      options.log.debug({ err: error.message, from: socket.remoteAddress }, 'a connection to this mirror was refused');
      socket.destroy();
    });
    const look = (): void => {
      this.out.cutStuck();
      this.cancelLook = options.clock.after(lookForStuckMs, look);
    };
    this.cancelLook = options.clock.after(lookForStuckMs, look);
  }

  /** Null when the port is not to be had, which is told: the mirror then serves this host alone. */
  static async listen(options: PeerServerOptions): Promise<PeerServer | null> {
    const peers = new PeerServer(options);
    peers.server.listen({ port: options.port, backlog: 256 });
    try {
      await once(peers.server, 'listening');
    } catch (error) {
      options.log.error({ err: error, port: options.port }, 'this mirror cannot serve other hosts: the port is not to be had. Set mirror.peerPort to a free one, or to 0 when it is not meant to serve');
      peers.cancelLook();
      return null;
    }
    peers.server.on('error', (error) => options.log.warn({ err: error }, 'a fault of the port for other mirrors'));
    return peers;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** The secret of the welcome, and the time by which its keys expire: a host's own clock may be wrong. The secret before stays good for those who were told keys of it. */
  welcome({ secret, masterTimeMs }: WelcomedSecret): void {
    this.masterAheadMs = masterTimeMs - this.options.clock.monotonicMs();
    if (this.secrets[0] !== secret) this.secrets = [secret, ...this.secrets].slice(0, secretsKept);
  }

  async close(): Promise<void> {
    this.cancelLook();
    const closed = once(this.server, 'close');
    this.server.close();
    for (const socket of this.open) socket.destroy();
    await closed;
  }

  /** The key that the master gave with this identity; null for one that is malformed, expired or not of a secret of ours. */
  private keyOf(socket: object, identity: string): Buffer | null {
    const named = readPskIdentity(identity);
    if (named === null || this.masterAheadMs === null || named.expiresAtMs <= this.masterAheadMs + this.options.clock.monotonicMs()) return null;
    const secret = this.secrets.map((text) => Buffer.from(text, 'base64url')).find((bytes) => createHash('sha256').update(bytes).digest('base64url').slice(0, secretIdLength) === named.secretId);
    if (secret === undefined) return null;
    this.manifests.set(socket, named.manifest);
    return createHmac('sha256', secret).update(identity).digest().subarray(0, pskBytes);
  }

  private accept(socket: TLSSocket): void {
    const manifest = this.manifests.get(socket);
    if (manifest === undefined) return void socket.destroy();
    socket.setNoDelay(true);
    socket.setKeepAlive(true, 15_000);
    const stream: PacedStream = this.out.paced(socket);
    const handlers: ChunkPortHandlers = {
      onControl: () => port.close('mirrors say nothing to each other but what they want'),
      onWant: (want) => this.answer(manifest, want, stream),
      onClose: () => undefined,
    };
    const port: ChunkPort = new ChunkPort(stream, handlers, this.options.clock);
  }

  private async answer(id: ManifestId, want: ServedWant, stream: PacedStream): Promise<ChunkAnswer> {
    const { index, rank } = want;
    const { images, manifestUpTo } = this.options;
    const part = manifestPartAt(index);
    if (part !== null) return this.answerManifestPart(images.find(id)?.manifest ?? (await manifestUpTo(id, part)), want, part, stream);
    // Who begins at the same time as this host may ask before its image is open.
    const image = images.find(id) ?? (await this.opening(id));
    if (image === null || index >= chunkCount(image.manifest)) return { kind: 'lack', why: 'absent' };
    const mayBring = this.options.bringsFor(id, index, rank);
    // Before there is room for it on the way out: what is here does not wait for what is still to come.
    const brought = image.has(index) ? isHere : await this.counted(mayBring ? obtained(image, want) : image.held(index));
    if (brought === null) return { kind: 'lack', why: 'absent' };
    try {
      const found = await stream.send(chunkLength(image.manifest, index), want, async () => {
        const data = brought.data ?? (await image.held(index)) ?? (mayBring ? await obtained(image, want) : null);
        return data === null ? null : { data };
      });
      if (found === null) return { kind: 'lack', why: 'absent' };
      this.toPeersBytes += found.data.length;
      return { kind: 'chunk', encoding: 'plain', data: found.data };
    } finally {
      this.broughtBytes -= brought.data?.length ?? 0;
    }
  }

  /** Null when the image is not here, nor within `openWithinMs`. */
  private async opening(id: ManifestId): Promise<LocalImage | null> {
    let cancel: Cancel = () => undefined;
    const late = new Promise<null>((resolve) => (cancel = this.options.clock.after(openWithinMs, () => resolve(null))));
    try {
      return await Promise.race([this.options.images.soon(id), late]);
    } finally {
      cancel();
    }
  }

  /** Null when it cannot be had now; without its bytes when many wait for room already: it is read again then. */
  private async counted(found: Promise<Buffer | null>): Promise<Brought | null> {
    const data = await found;
    if (data === null || this.broughtBytes + data.length > mostBroughtBytes) return data === null ? null : isHere;
    this.broughtBytes += data.length;
    return { data };
  }

  /** Of an image that is here, or as far as it has come of one whose manifest is being fetched. */
  private async answerManifestPart(manifest: Manifest | null, want: ServedWant, part: number, stream: PacedStream): Promise<ChunkAnswer> {
    if (manifest === null || part >= manifest.parts.length) return { kind: 'lack', why: 'absent' };
    const found = await stream.send(mostPartBytes, want, () => sentPart(manifest, part, (encoded) => deflate(encoded, { level: 1 })));
    return found === null ? { kind: 'lack', why: 'failed' } : { kind: 'chunk', ...found };
  }
}

/** Null when nobody can give it now. */
async function obtained(image: LocalImage, want: ServedWant): Promise<Buffer | null> {
  let isUnderWay = true;
  want.whenRaised(() => {
    // Shares what is under way and raises it; how that ends is told below.
    if (isUnderWay) image.obtain(want.index, true).catch(() => undefined);
  });
  try {
    return await want.elsewhere(image.obtain(want.index, want.urgent));
  } catch (error) {
    if (error instanceof ChunkUnavailable) return null;
    throw error;
  } finally {
    isUnderWay = false;
  }
}
