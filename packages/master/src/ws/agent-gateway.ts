import { agentLinkPath, maxFrameBytes } from '@paravcl/shared/protocol/version';
import { STATUS_CODES, type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import { clientAddress } from '../http/client-address';
import { RefusalLimiter } from '../services/refusal-limiter';
import { AgentSession, type AgentSessionDeps } from './agent-session';

/**
 * The door of the agents' WebSocket. It looks at what can be known before the handshake: path, origin,
 * how many are connected. Browsers always send an Origin and agents never do: any Origin is refused, so
 * that no web page can make a browser inside the lab speak to us.
 */
export class AgentGateway {
  private readonly server = new WebSocketServer({ noServer: true, maxPayload: maxFrameBytes, perMessageDeflate: false, clientTracking: false });
  private readonly open = new Set<AgentSession>();
  private readonly unprovenByAddress = new Map<string, number>();
  private unproven = 0;
  private connections = 0;
  private stopping = false;

  private readonly deps: AgentSessionDeps;

  constructor(deps: Omit<AgentSessionDeps, 'strangers'>) {
    const strangers = new RefusalLimiter(deps.clock, { refusals: deps.settings.limits.maxStrangersPerMinute, windowMs: 60_000 });
    this.deps = { ...deps, strangers };
  }

  /**
   * Takes an `upgrade` of the HTTPS server. False when the path is not the agents': the caller passes it
   * on or answers 404.
   */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): boolean {
    if (pathOf(request) !== agentLinkPath) return false;
    const address = clientAddress(request);
    const { limits } = this.deps.settings;
    if (request.headers.origin !== undefined) refuse(socket, 403, 'Agents send no Origin; browsers have nothing to do here.');
    else if (this.deps.strangers.waitMs(address) > 0) refuse(socket, 429, `Too many hellos from ${address} proved the key of no slave. Try again in a minute.`);
    else if (this.stopping) refuse(socket, 503, 'The master is stopping.');
    else if (this.open.size >= limits.maxConnections) refuse(socket, 503, `${limits.maxConnections} agents are connected, the most this master takes.`);
    else if (this.unproven >= limits.maxUnproven || (this.unprovenByAddress.get(address) ?? 0) >= limits.maxUnprovenPerAddress) {
      refuse(socket, 503, 'Too many agents are connecting at this moment. Try again in a few seconds.');
    } else this.server.handleUpgrade(request, socket, head, (webSocket) => this.accept(webSocket, address));
    return true;
  }

  /** Agents connected now, whether proven or not. */
  get size(): number {
    return this.open.size;
  }

  /** Takes no more connections and says good-bye to those there are. */
  close(): void {
    this.stopping = true;
    for (const session of this.open) session.goAway();
  }

  private accept(webSocket: ConstructorParameters<typeof AgentSession>[0], address: string): void {
    this.unproven++;
    this.unprovenByAddress.set(address, (this.unprovenByAddress.get(address) ?? 0) + 1);
    let counted = true;
    const session = new AgentSession(
      webSocket,
      address,
      ++this.connections,
      this.deps,
      () => {
        if (!counted) return;
        counted = false;
        this.unproven--;
        const left = (this.unprovenByAddress.get(address) ?? 1) - 1;
        if (left === 0) this.unprovenByAddress.delete(address);
        else this.unprovenByAddress.set(address, left);
      },
      () => void this.open.delete(session),
    );
    this.open.add(session);
  }
}

/** The path alone; a query is nobody's business here. */
const pathOf = (request: IncomingMessage): string => (request.url ?? '').split('?', 1)[0] ?? '';

function refuse(socket: Duplex, status: 403 | 429 | 503, sentence: string): void {
  const body = `${sentence}\n`;
  socket.on('error', () => socket.destroy());
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: ${Buffer.byteLength(body)}\r\n${status === 503 ? 'Retry-After: 3\r\n' : ''}\r\n${body}`,
  );
}
