import type { Cancel, Clock } from '@paravcl/shared/clock';
import type { ManifestId } from '@paravcl/shared/chunks/manifest';
import { ChunkPort, type ChunkPortHandlers } from '@paravcl/shared/chunks/chunk-port';
import type { ChunkMember } from '@paravcl/shared/chunks/mirror-messages';
import { pskCiphers } from '@paravcl/shared/chunks/psk';
import { connect, createSecureContext } from 'node:tls';

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
  readonly port: Promise<ChunkPort | null>;
  usedAtMs: number;
}

/** Connections to other mirrors, one for each of them and image, opened at the first chunk asked for. */
export class PeerConnections {
  private readonly connections = new Map<string, Connection>();
  private readonly restUntilMs = new Map<string, number>();
  private dialing = 0;
  private readonly waiting: (() => void)[] = [];
  private readonly cancelSweep: Cancel;
  private cancelNext: Cancel | null = null;

  constructor(
    private readonly clock: Clock,
    private readonly onUnreachable: (member: ChunkMember, manifest: ManifestId, why: string) => void,
  ) {
    const sweep = (): void => {
      this.closeIdle();
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
      connection = { port: this.inTurn(() => this.dial(member, manifest, key)), usedAtMs: 0 };
      this.connections.set(key, connection);
    }
    connection.usedAtMs = this.clock.monotonicMs();
    return connection.port;
  }

  /** Leaves a member alone for a while and ends what is open to it. */
  rest(slaveId: string): void {
    this.restUntilMs.set(slaveId, this.clock.monotonicMs() + restMs);
    for (const [key, { port }] of this.connections) if (key.startsWith(`${slaveId}.`)) void port.then((open) => open?.close('it did not answer'));
  }

  /** The image is no longer here: nobody is asked for it any more. */
  leave(manifest: ManifestId): void {
    for (const [key, { port }] of this.connections) if (key.endsWith(`.${manifest}`)) void port.then((open) => open?.close('the image is no longer on this host'));
  }

  stop(): void {
    this.cancelSweep();
    for (const { port } of this.connections.values()) void port.then((open) => open?.close('this mirror stops'));
  }

  private async inTurn(dial: () => Promise<ChunkPort | null>): Promise<ChunkPort | null> {
    if (this.dialing < dialsAtOnce) this.dialing += 1;
    else await new Promise<void>((resolve) => this.waiting.push(resolve));
    try {
      return await dial();
    } finally {
      const next = this.waiting.shift();
      if (next === undefined) this.dialing -= 1;
      else next();
    }
  }

  private dial(member: ChunkMember, manifest: ManifestId, key: string): Promise<ChunkPort | null> {
    // It may have turned out while this one waited for its turn.
    if (!this.isWorthAsking(member)) {
      this.connections.delete(key);
      return Promise.resolve(null);
    }
    return new Promise((resolve) => {
      const socket = connect({
        host: member.address,
        port: member.port,
        secureContext,
        pskCallback: () => ({ psk: Buffer.from(member.key, 'base64url'), identity: member.identity }),
        // Whoever knows the key is the one the master meant.
        checkServerIdentity: () => undefined,
      });
      socket.setNoDelay(true);
      let failed = false;
      const fail = (why: string): void => {
        if (failed) return;
        failed = true;
        cancel();
        socket.destroy();
        this.connections.delete(key);
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
          onClose: () => this.connections.delete(key),
        };
        resolve(new ChunkPort(socket, handlers, this.clock));
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
