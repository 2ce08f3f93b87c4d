import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import type { Counts, Link, LinkCounters, LinkFault } from './link-fault';
import { ProxiedConnection } from './proxied-connection';

export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

export interface FaultProxyOptions {
  /** Port 0: one that is free. */
  readonly listen: Endpoint;
  readonly target: Endpoint;
  /** 0 ≤ x < 1, for jitter and for where a frame is cut. */
  readonly random?: () => number;
}

/**
 * A TCP proxy that makes what `tc netem` would, where the kernel has none, and what no netem can: stalls,
 * half-open connections, cuts in mid-frame. How it behaves is switched at any time, for the connections
 * that are there and for new ones. It holds a bounded amount per connection in every mode: a sender that
 * is faster than what lets through feels it.
 *
 * It is TCP from end to end, so nothing is lost silently on a connection that lives on: one that lost
 * something while half-open is reset when the link works again, as a router that forgot it would.
 */
export class FaultProxy {
  private readonly connections = new Set<ProxiedConnection>();
  /** Clients that came while the link was half-open: nobody answers them, and no target is dialled. */
  private readonly unanswered = new Set<Socket>();
  private aim: Endpoint;
  private server: Server | null = null;
  private fault: LinkFault = { kind: 'pass' };
  private cutsOrdered = 0;
  private readonly counts: Counts = {
    connections: 0, refused: 0, unreachable: 0, resets: 0, cuts: 0, bytesToTarget: 0, bytesToClient: 0, bytesLost: 0, mostHeldBytes: 0,
  };
  private readonly link: Link;

  constructor(private readonly options: FaultProxyOptions) {
    this.aim = options.target;
    const fault = (): LinkFault => this.fault;
    this.link = {
      get fault() {
        return fault();
      },
      counts: this.counts,
      random: options.random ?? Math.random,
      takeCut: () => this.takeCut(),
    };
  }

  async start(): Promise<void> {
    const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => this.accept(client));
    server.listen(this.options.listen.port, this.options.listen.host);
    await once(server, 'listening');
    this.server = server;
  }

  /** Resets every connection and listens no more. */
  async stop(): Promise<void> {
    const { server } = this;
    if (server === null) return;
    this.server = null;
    const closed = once(server, 'close');
    server.close();
    for (const connection of this.connections) connection.destroy();
    for (const client of this.unanswered) client.resetAndDestroy();
    await closed;
  }

  /** Where it listens. */
  get port(): number {
    if (this.server === null) throw new Error('The fault proxy does not listen.');
    return (this.server.address() as AddressInfo).port;
  }

  /** Where new connections go. */
  get target(): Endpoint {
    return this.aim;
  }

  get counters(): LinkCounters {
    return { ...this.counts };
  }

  /** Connections that are there now, half-open ones included. */
  get openConnections(): number {
    return this.connections.size + this.unanswered.size;
  }

  /** New connections go to this target from now on; those that are there stay where they are. */
  retarget(target: Endpoint): void {
    this.aim = target;
  }

  /** A good link again; a cut that was ordered and did not come any more is called off. */
  pass(): void {
    this.cutsOrdered = 0;
    this.become({ kind: 'pass' });
  }

  delay({ ms, jitterMs = 0 }: { readonly ms: number; readonly jitterMs?: number }): void {
    this.become({ kind: 'delay', ms, jitterMs });
  }

  /** New connections are reset as soon as they are made; with `reset()` after it the link is cut, audibly. */
  refuse(): void {
    this.become({ kind: 'refuse' });
  }

  /** Nothing arrives any more in either direction, and neither end hears that the other closed. */
  halfOpen(): void {
    this.become({ kind: 'half-open' });
  }

  /** Reads nothing more: both ends can send until the buffers between are full. */
  stall(): void {
    this.become({ kind: 'stall' });
  }

  throttle(bytesPerSecond: number): void {
    this.become({ kind: 'throttle', bytesPerSecond });
  }

  /** RST to both ends of every connection, once; how the link behaves does not change. */
  reset(): void {
    for (const connection of [...this.connections]) connection.reset();
    for (const client of [...this.unanswered]) this.resetUnanswered(client);
  }

  /** The next time more than one byte is to be forwarded, only a part of it is, and that connection ends. */
  cutMidFrame(): void {
    this.cutsOrdered += 1;
  }

  private become(fault: LinkFault): void {
    this.fault = fault;
    if (fault.kind !== 'half-open') for (const client of [...this.unanswered]) this.resetUnanswered(client);
    for (const connection of [...this.connections]) connection.faultChanged();
  }

  private takeCut(): boolean {
    if (this.cutsOrdered === 0) return false;
    this.cutsOrdered -= 1;
    return true;
  }

  private accept(client: Socket): void {
    if (this.fault.kind === 'refuse') {
      this.counts.refused += 1;
      client.on('error', () => undefined);
      client.resetAndDestroy();
      return;
    }
    this.counts.connections += 1;
    if (this.fault.kind === 'half-open') return this.leaveUnanswered(client);
    const target = connect({ ...this.aim, allowHalfOpen: true, noDelay: true });
    this.connections.add(new ProxiedConnection(client, target, this.link, (gone) => this.connections.delete(gone)));
  }

  private leaveUnanswered(client: Socket): void {
    this.unanswered.add(client);
    client.on('error', () => undefined);
    client.on('close', () => this.unanswered.delete(client));
    client.on('data', (bytes: Buffer) => (this.counts.bytesLost += bytes.length));
  }

  private resetUnanswered(client: Socket): void {
    this.counts.resets += 1;
    client.resetAndDestroy();
  }
}
