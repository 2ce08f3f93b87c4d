import { chmod, chown, rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import type { Cancel, Clock } from '@paravcl/shared/clock';
import type { Logger } from 'pino';
import { shakeHands } from './handshake';
import { NbdConnection, ReplyBudget } from './nbd-connection';
import type { OpenExport } from './nbd-export';
import { SocketReader } from './socket-reader';

export interface NbdServerOptions {
  readonly path: string;
  /** The account QEMU runs as, the only one besides root that may connect; null: ours. */
  readonly owner: { readonly uid: number; readonly gid: number } | null;
  readonly open: OpenExport;
  readonly clock: Clock;
  readonly log: Logger;
  /** Most that is kept for all clients together. */
  readonly mostReplyBytes?: number;
}

const shakeHandsWithinMs = 30_000;
const mostConnections = 256;
const mostReplyBytes = 256 * 1024 * 1024;
/** A client that took nothing of its answers for so long is hung up on; an honest one comes back. */
const stuckMs = 60_000;

/** Serves images over NBD on a unix socket. No client can end it, nor make it keep more than `mostReplyBytes`. */
export class NbdServer {
  private readonly server: Server;
  private readonly sockets = new Map<Socket, number>();
  private readonly budget: ReplyBudget;
  private stopLooking: Cancel = () => undefined;

  private constructor(private readonly options: NbdServerOptions) {
    this.budget = new ReplyBudget(options.mostReplyBytes ?? mostReplyBytes);
    this.server = createServer((socket) => void this.serve(socket));
    this.server.maxConnections = mostConnections;
  }

  /** Takes the place of a socket that an earlier mirror left; the caller makes sure that none is running. */
  static async listen(options: NbdServerOptions): Promise<NbdServer> {
    const nbd = new NbdServer(options);
    const { path, owner } = options;
    await rm(path, { force: true });
    await new Promise<void>((resolve, reject) => {
      nbd.server.once('error', reject);
      nbd.server.listen({ path, backlog: mostConnections }, resolve);
    });
    nbd.server.on('error', (err) => options.log.warn({ err }, 'a guest could not be let in; it tries again'));
    await chmod(path, 0o600);
    if (owner !== null) await chown(path, owner.uid, owner.gid);
    nbd.look();
    return nbd;
  }

  /** Lets nobody in any more and hangs up. Readers come back to the next mirror. */
  async close(): Promise<void> {
    this.stopLooking();
    const closed = new Promise((resolve) => this.server.close(resolve));
    for (const socket of this.sockets.keys()) socket.destroy();
    await closed;
  }

  private async serve(socket: Socket): Promise<void> {
    const { clock, log } = this.options;
    this.sockets.set(socket, 0);
    socket.on('close', () => this.sockets.delete(socket));
    socket.on('error', (err) => log.debug({ err }, 'a reader went away'));
    const cancel = clock.after(shakeHandsWithinMs, () => socket.destroy());
    const reader = new SocketReader(socket);
    try {
      const agreed = await shakeHands({ take: (length) => reader.take(length), write: (data) => void socket.write(data) }, this.options.open);
      if (agreed === null) socket.end();
      else if (socket.destroyed) agreed.export.release();
      else new NbdConnection(socket, agreed, this.budget, reader.stop(), (err) => log.warn({ err }, 'a read could not be answered'));
    } catch (err) {
      log.debug({ err }, 'a client of the NBD socket was hung up on');
      socket.destroy();
    } finally {
      cancel();
    }
  }

  private look(): void {
    this.stopLooking = this.options.clock.after(stuckMs, () => {
      for (const [socket, written] of this.sockets) {
        const sent = socket.bytesWritten - socket.writableLength;
        if (socket.writableLength > 0 && sent === written) socket.destroy();
        this.sockets.set(socket, sent);
      }
      this.look();
    });
  }
}
