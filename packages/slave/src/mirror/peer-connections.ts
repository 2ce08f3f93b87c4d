import type { Cancel, Clock } from '@paravcl/shared/clock';
import type { ManifestId } from '@paravcl/shared/chunks/manifest';
import { ChunkPort, type ChunkPortHandlers } from '@paravcl/shared/chunks/chunk-port';
import type { ChunkMember } from '@paravcl/shared/chunks/mirror-messages';
import { pskCiphers } from '@paravcl/shared/chunks/psk';
import { WorkQueue } from '@paravcl/shared/work-queue';
import type { ConnectOpts } from 'node:net';
import { connect, createSecureContext, type ConnectionOptions } from 'node:tls';
import { GatheredStream, ReadTurns } from './gathered-stream';

/** When a class starts at once handshakes take seconds. Whoever waits for a chunk asks somebody else meanwhile (fetcher.ts). */
const connectWithinMs = 10_000;
/** Handshakes under way at once: each costs both ends processor time, and those that are begun are to end. */
const dialsAtOnce = 8;
/** One that could not be reached is left alone so long. */
const restMs = 5000;
/** Nothing asked for so long: the connection is given up, a new one is cheap. */
const idleMs = 120_000;

/** One for all: without `ca` each would read every certificate authority of the system, and no certificate is looked at. */
const secureContext = createSecureContext({
  ciphers: pskCiphers,
  // The only version in which Node's PSK needs no certificate.
  minVersion: 'TLSv1.2',
  maxVersion: 'TLSv1.2',
  ca: [],
});

interface Connection {
  port: Promise<ChunkPort | null>;
  usedAtMs: number;
}

/** Connections to other mirrors, one for each of them and image, opened at the first chunk asked for. */
export class PeerConnections {
  private readonly connections = new Map<string, Connection>();
  private readonly restUntilMs = new Map<string, number>();
  private readonly dials = new WorkQueue(dialsAtOnce);
  private readonly turns: ReadTurns;
  private readonly cancelSweep: Cancel;
  private cancelNext: Cancel | null = null;

  constructor(
    private readonly clock: Clock,
    private readonly onUnreachable: (member: ChunkMember, manifest: ManifestId, why: string) => void,
  ) {
    this.turns = new ReadTurns(clock);
    const sweep = (): void => {
      this.closeIdle();
      for (const [slaveId, untilMs] of this.restUntilMs) if (untilMs <= clock.monotonicMs()) this.restUntilMs.delete(slaveId);
      this.cancelNext = clock.after(idleMs / 4, sweep);
    };
    this.cancelNext = clock.after(idleMs / 4, sweep);
    this.cancelSweep = () => this.cancelNext?.();
  }

  /** False while it rests after a failure. */
  isWorthAsking(member: ChunkMember): boolean {
    return (this.restUntilMs.get(member.slaveId) ?? -Infinity) <= this.clock.monotonicMs();
  }

  /** The open connection to this member for this image; null when it cannot be reached now. */
  async to(member: ChunkMember, manifest: ManifestId): Promise<ChunkPort | null> {
    const key = `${member.slaveId}.${manifest}`;
    let connection = this.connections.get(key);
    if (connection === undefined) {
      if (!this.isWorthAsking(member)) return null;
      connection = this.open(member, manifest, key);
    }
    connection.usedAtMs = this.clock.monotonicMs();
    return connection.port;
  }

  /** Leaves a member alone for a while and ends what is open to it. */
  rest(slaveId: string): void {
    this.restUntilMs.set(slaveId, this.clock.monotonicMs() + restMs);
    this.end((key) => key.startsWith(`${slaveId}.`), 'it did not answer');
  }

  /** The image is no longer here: nobody is asked for it any more. */
  leave(manifest: ManifestId): void {
    this.end((key) => key.endsWith(`.${manifest}`), 'the image is no longer on this host');
  }

  stop(): void {
    this.cancelSweep();
    this.end(() => true, 'this mirror stops');
  }

  /** Those that are still to be dialled, in their turn, are not dialled any more. */
  private end(isMeant: (key: string) => boolean, why: string): void {
    for (const [key, { port }] of this.connections) {
      if (!isMeant(key)) continue;
      this.connections.delete(key);
      void port.then((open) => open?.close(why));
    }
  }

  private open(member: ChunkMember, manifest: ManifestId, key: string): Connection {
    const connection: Connection = { port: Promise.resolve(null), usedAtMs: 0 };
    const forget = (): void => {
      if (this.connections.get(key) === connection) this.connections.delete(key);
    };
    this.connections.set(key, connection);
    connection.port = this.dials.run(async () => {
      // Much may have happened while it waited for its turn.
      if (this.connections.get(key) === connection && this.isWorthAsking(member)) return this.dial(member, manifest, forget);
      forget();
      return null;
    });
    return connection;
  }

  /** `forget` is called when it failed, and when it ends. */
  private dial(member: ChunkMember, manifest: ManifestId, forget: () => void): Promise<ChunkPort | null> {
    return new Promise((resolve) => {
      const stream = new GatheredStream(this.turns);
      const options: ConnectionOptions & Pick<ConnectOpts, 'onread'> = {
        onread: stream.onread,
        host: member.address,
        port: member.port,
        secureContext,
        pskCallback: () => ({ psk: Buffer.from(member.key, 'base64url'), identity: member.identity }),
        // Whoever knows the key is the one the master meant.
        checkServerIdentity: () => undefined,
      };
      const socket = connect(options);
      socket.setNoDelay(true);
      let failed = false;
      const fail = (why: string): void => {
        if (failed) return;
        failed = true;
        cancel();
        socket.destroy();
        forget();
        this.restUntilMs.set(member.slaveId, this.clock.monotonicMs() + restMs);
        this.onUnreachable(member, manifest, why);
        resolve(null);
      };
      const cancel = this.clock.after(connectWithinMs, () => fail(`no connection within ${connectWithinMs / 1000} s`));
      const refused = (error: Error): void => fail(error.message);
      socket.once('error', refused);
      socket.once('secureConnect', () => {
        if (failed) return;
        failed = true;
        cancel();
        socket.off('error', refused);
        socket.setKeepAlive(true, 15_000);
        const handlers: ChunkPortHandlers = {
          onControl: () => undefined,
          // A mirror that is asked on a connection it did not offer has nothing to say.
          onWant: () => Promise.resolve({ kind: 'lack', why: 'refused' }),
          onClose: forget,
        };
        resolve(new ChunkPort(stream.over(socket), handlers, this.clock));
      });
    });
  }

  private closeIdle(): void {
    for (const { port, usedAtMs } of this.connections.values()) {
      if (this.clock.monotonicMs() - usedAtMs < idleMs) continue;
      void port.then((open) => {
        if (open !== null && open.outstanding === 0) open.close('idle');
      });
    }
  }
}
