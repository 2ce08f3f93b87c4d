import type { Socket } from 'node:net';
import type { Link } from './link-fault';
import { OneWay } from './one-way';

/** A client's connection and the one made to the target for it. */
export class ProxiedConnection {
  private readonly ways: readonly OneWay[];
  private readonly open: Set<Socket>;
  private closeLost = false;
  private dialled = false;

  constructor(
    client: Socket,
    target: Socket,
    private readonly link: Link,
    private readonly onGone: (connection: ProxiedConnection) => void,
  ) {
    this.open = new Set([client, target]);
    const cut = (to: Socket, part: Buffer): void => this.cut(to, part);
    this.ways = [new OneWay(client, target, link, 'bytesToTarget', cut), new OneWay(target, client, link, 'bytesToClient', cut)];
    target.once('connect', () => (this.dialled = true));
    target.once('error', () => {
      if (!this.dialled) link.counts.unreachable += 1;
    });
    for (const [socket, other] of [[client, target], [target, client]] as const) {
      // Told by 'close', which follows.
      socket.on('error', () => undefined);
      socket.on('close', (hadError) => this.closed(socket, other, hadError));
    }
  }

  /** The link behaves differently from now on. What has lost something cannot go on, so both ends are told. */
  faultChanged(): void {
    if (this.link.fault.kind !== 'half-open' && (this.closeLost || this.ways.some(({ lost }) => lost))) {
      this.reset();
      return;
    }
    for (const way of this.ways) way.move();
  }

  /** RST to both ends, now. */
  reset(): void {
    this.link.counts.resets += 1;
    this.destroy();
  }

  destroy(): void {
    for (const way of this.ways) way.stop();
    for (const socket of this.open) resetSocket(socket);
  }

  private closed(socket: Socket, other: Socket, hadError: boolean): void {
    this.open.delete(socket);
    if (this.open.size === 0) return this.onGone(this);
    if (this.link.fault.kind === 'half-open') this.closeLost = true;
    else if (hadError) this.destroy();
    else if (!other.destroyed) for (const way of this.ways) way.move();
  }

  private cut(to: Socket, part: Buffer): void {
    this.link.counts.cuts += 1;
    for (const way of this.ways) way.stop();
    for (const socket of this.open) if (socket !== to) resetSocket(socket);
    // Not reset: a reset would take back what is still in the kernel's buffer.
    to.write(part, () => to.destroy());
  }
}

function resetSocket(socket: Socket): void {
  // One that is still being connected would be reset only once it is: perhaps never.
  if (socket.connecting) socket.destroy();
  else socket.resetAndDestroy();
}
