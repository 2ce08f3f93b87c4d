import { newId } from '@paravcl/shared/ids';
import { encodeFrame } from '@paravcl/shared/protocol/envelope';
import { agentLinkPath, maxFrameBytes, protocolVersion } from '@paravcl/shared/protocol/version';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import { clientAddress } from '../http/client-address';
import { refuseUpgrade, upgradePath, type UpgradeDoor } from '../http/refused-upgrade';
import { RefusalLimiter } from '../services/refusal-limiter';
import { AgentSession, type AgentSessionDeps } from './agent-session';
import { LinkWheel } from './link-wheel';

/** An upgrade that is not answered yet. */
interface AtTheDoor {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
  readonly address: string;
  readonly onGone: () => void;
}

/**
 * The door of the agents' WebSocket. It looks at what can be known before the handshake: path, origin,
 * how many are connected. Browsers always send an Origin and agents never do: any Origin is refused, so
 * that no web page can make a browser inside the lab speak to us.
 *
 * At most `maxUnproven` connections are inside without having proved who they are. When a whole fleet comes back
 * the others wait at the door, in their order, instead of being sent away: coming again would cost us another TLS
 * handshake each. All together, waiting or inside, are at most `maxConnections`, of one address
 * `maxUnprovenPerAddress` unproven.
 */
export class AgentGateway implements UpgradeDoor {
  private readonly server = new WebSocketServer({ noServer: true, maxPayload: maxFrameBytes, perMessageDeflate: false, clientTracking: false });
  private readonly open = new Set<AgentSession>();
  private readonly unprovenSessions = new Set<AgentSession>();
  private readonly waiting = new Set<AtTheDoor>();
  private readonly unprovenByAddress = new Map<string, number>();
  private connections = 0;
  private stopping = false;

  private readonly deps: AgentSessionDeps;

  constructor(deps: Omit<AgentSessionDeps, 'strangers' | 'wheel' | 'heartbeatFrame'>) {
    const strangers = new RefusalLimiter(deps.clock, { refusals: deps.settings.limits.maxStrangersPerMinute, windowMs: 60_000 });
    const wheel = new LinkWheel(deps.clock, deps.settings.timings.heartbeatMs, () => {
      for (const session of this.unprovenSessions) session.checkHandshake();
    });
    let [frame, madeAt] = [Buffer.alloc(0), Number.NaN];
    const heartbeatFrame = (): Buffer => {
      const now = deps.clock.now();
      if (now !== madeAt) [frame, madeAt] = [Buffer.from(encodeFrame(protocolVersion, newId(now), { type: 'heartbeat', payload: { masterTime: new Date(now).toISOString() } })), now];
      return frame;
    };
    this.deps = { ...deps, strangers, wheel, heartbeatFrame };
  }

  /**
   * Takes an `upgrade` of the HTTPS server. False when the path is not the agents': the caller passes it
   * on or answers 404.
   */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): boolean {
    if (upgradePath(request) !== agentLinkPath) return false;
    const address = clientAddress(request);
    const { limits } = this.deps.settings;
    if (request.headers.origin !== undefined) refuseUpgrade(socket, 403, 'Agents send no Origin; browsers have nothing to do here.');
    else if (this.deps.strangers.waitMs(address) > 0) refuseUpgrade(socket, 429, `Too many hellos from ${address} proved the key of no host. Try again in a minute.`);
    else if (this.stopping) refuseUpgrade(socket, 503, 'The master is stopping.');
    else if (this.open.size + this.waiting.size >= limits.maxConnections) refuseUpgrade(socket, 503, `${limits.maxConnections} agents are connected, the most this master takes.`);
    else if ((this.unprovenByAddress.get(address) ?? 0) >= limits.maxUnprovenPerAddress) refuseUpgrade(socket, 503, 'Too many agents are connecting from there at this moment. Try again in a few seconds.');
    else this.wait(request, socket, head, address);
    return true;
  }

  /** Agents connected now, whether proven or not. */
  get size(): number {
    return this.open.size;
  }

  /** Agents whose upgrade waits for an answer. */
  get atTheDoor(): number {
    return this.waiting.size;
  }

  /** Heartbeats accepted since the start. */
  get heartbeats(): number {
    return this.deps.pulse.heartbeats;
  }

  /** Takes no more connections and says good-bye to those there are. */
  close(): void {
    this.stopping = true;
    for (const { socket } of this.waiting) socket.destroy();
    for (const session of this.open) session.goAway();
  }

  private wait(request: IncomingMessage, socket: Duplex, head: Buffer, address: string): void {
    this.unprovenByAddress.set(address, (this.unprovenByAddress.get(address) ?? 0) + 1);
    const one: AtTheDoor = {
      request, socket, head, address,
      onGone: () => {
        if (this.waiting.delete(one)) this.leave(address);
      },
    };
    this.waiting.add(one);
    this.letIn();
    if (!this.waiting.has(one)) return;
    socket.on('error', ignore);
    socket.on('close', one.onGone);
  }

  /** As many as there is room for, those who came first. */
  private letIn(): void {
    for (const one of this.waiting) {
      if (this.unprovenSessions.size >= this.deps.settings.limits.maxUnproven) return;
      const { request, socket, head, address } = one;
      this.waiting.delete(one);
      socket.off('error', ignore);
      socket.off('close', one.onGone);
      let accepted = false;
      // The answer to the upgrade and the challenge leave in one record.
      socket.cork();
      this.server.handleUpgrade(request, socket, head, (webSocket) => {
        accepted = true;
        this.accept(webSocket, address);
      });
      socket.uncork();
      // It answered a malformed handshake itself, or found the connection closed.
      if (!accepted) this.leave(address);
    }
  }

  private accept(webSocket: ConstructorParameters<typeof AgentSession>[0], address: string): void {
    const session = new AgentSession(
      webSocket,
      address,
      ++this.connections,
      this.deps,
      () => {
        if (!this.unprovenSessions.delete(session)) return;
        this.leave(address);
        this.letIn();
      },
      () => void this.open.delete(session),
    );
    this.unprovenSessions.add(session);
    this.open.add(session);
  }

  private leave(address: string): void {
    const left = (this.unprovenByAddress.get(address) ?? 1) - 1;
    if (left <= 0) this.unprovenByAddress.delete(address);
    else this.unprovenByAddress.set(address, left);
  }
}

const ignore = (): void => undefined;
