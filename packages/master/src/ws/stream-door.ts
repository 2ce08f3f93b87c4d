import type { Clock } from '@paravcl/shared/clock';
import { parseJson } from '@paravcl/shared/parse-json';
import { streamHelloSchema, type StreamHello } from '@paravcl/shared/protocol/streams';
import { agentStreamPath, maxFrameBytes } from '@paravcl/shared/protocol/version';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type RawData, type ServerOptions, type WebSocket } from 'ws';
import { clientAddress } from '../http/client-address';
import { refuseUpgrade, upgradePath, type UpgradeDoor } from '../http/refused-upgrade';
import { RefusalLimiter } from '../services/refusal-limiter';
import type { StreamRelay } from './stream-relay';
import { StreamSocket, streamCloseCodes } from './stream-socket';

export interface StreamDoorLimits {
  /** Each of them may hold some hundred KiB that its other end has not taken yet. */
  readonly maxConnections: number;
  /** Those that have shown no ticket yet. */
  readonly maxUnproven: number;
  readonly maxUnprovenPerAddress: number;
  /** Wrong tickets from one address; above it the address has to wait. */
  readonly maxStrangersPerMinute: number;
}

/** Room for 150 migrations at once with three streams each; an address stands for a whole lab behind NAT. */
export const defaultStreamLimits: StreamDoorLimits = { maxConnections: 1000, maxUnproven: 200, maxUnprovenPerAddress: 100, maxStrangersPerMinute: 300 };

const helloWithinMs = 10_000;
/** What was said before the end may still be on its way to one who reads slowly. */
const closeWithinMs = 120_000;
const unknownTicket = 'This ticket opens nothing: it is used, over, or never was one.';

const serverOptions: ServerOptions & { readonly closeTimeout: number } = { noServer: true, maxPayload: maxFrameBytes, perMessageDeflate: false, clientTracking: false, closeTimeout: closeWithinMs };

/**
 * The door of streams. Who comes in shows a ticket, and that is all that is asked: it is known only to a slave that was told it over its
 * link. Any Origin is refused, as at the agents' door: browsers always send one and agents never do.
 */
export class StreamDoor implements UpgradeDoor {
  private readonly server = new WebSocketServer(serverOptions);
  private readonly open = new Set<StreamSocket>();
  private readonly unprovenByAddress = new Map<string, number>();
  private readonly strangers: RefusalLimiter;
  private unproven = 0;
  private stopping = false;

  constructor(
    private readonly parts: { readonly clock: Clock; readonly relay: StreamRelay },
    private readonly limits: StreamDoorLimits = defaultStreamLimits,
  ) {
    this.strangers = new RefusalLimiter(parts.clock, { refusals: limits.maxStrangersPerMinute, windowMs: 60_000 });
  }

  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): boolean {
    if (upgradePath(request) !== agentStreamPath) return false;
    const address = clientAddress(request);
    const { limits } = this;
    if (request.headers.origin !== undefined) refuseUpgrade(socket, 403, 'Agents send no Origin; browsers have nothing to do here.');
    else if (this.strangers.waitMs(address) > 0) refuseUpgrade(socket, 429, `Too many tickets from ${address} opened nothing. Try again in a minute.`);
    else if (this.stopping) refuseUpgrade(socket, 503, 'The master is stopping.');
    else if (this.open.size >= limits.maxConnections) refuseUpgrade(socket, 503, `${limits.maxConnections} streams are connected, the most this master takes.`);
    else if (this.unproven >= limits.maxUnproven) refuseUpgrade(socket, 503, 'Too many streams are being opened at this moment. Try again in a few seconds.');
    else if ((this.unprovenByAddress.get(address) ?? 0) >= limits.maxUnprovenPerAddress) refuseUpgrade(socket, 503, 'Too many streams are being opened from there at this moment. Try again in a few seconds.');
    else this.server.handleUpgrade(request, socket, head, (webSocket) => this.accept(webSocket, address));
    return true;
  }

  /** Connected now, whether a ticket was shown or not. */
  get size(): number {
    return this.open.size;
  }

  /** Takes no more connections and ends those there are. */
  close(): void {
    this.stopping = true;
    this.parts.relay.close();
    for (const stream of [...this.open]) stream.hangUp(streamCloseCodes.goingAway, 'The master is stopping.');
  }

  private accept(webSocket: WebSocket, address: string): void {
    const { clock, relay } = this.parts;
    const stream = new StreamSocket(webSocket, clock);
    this.open.add(stream);
    this.unproven += 1;
    this.unprovenByAddress.set(address, (this.unprovenByAddress.get(address) ?? 0) + 1);
    let isUnproven = true;
    const leave = (): void => {
      if (!isUnproven) return;
      isUnproven = false;
      cancel();
      this.leave(address);
    };
    const cancel = clock.after(helloWithinMs, () => stream.hangUp(streamCloseCodes.policy, `No ticket was shown within ${helloWithinMs / 1000} s.`));
    webSocket.on('close', () => {
      leave();
      this.open.delete(stream);
    });
    stream.hear((data, isBinary) => {
      leave();
      const hello = helloOf(data, isBinary);
      if (hello === null) return stream.hangUp(streamCloseCodes.policy, 'The first message is a ticket, as JSON.');
      if (relay.enter(hello, stream)) return;
      this.strangers.refused(address);
      stream.hangUp(streamCloseCodes.policy, unknownTicket);
    });
  }

  private leave(address: string): void {
    this.unproven -= 1;
    const left = (this.unprovenByAddress.get(address) ?? 1) - 1;
    if (left <= 0) this.unprovenByAddress.delete(address);
    else this.unprovenByAddress.set(address, left);
  }
}

function helloOf(data: RawData, isBinary: boolean): StreamHello | null {
  try {
    return isBinary ? null : streamHelloSchema.parse(parseJson((data as Buffer).toString('utf8')));
  } catch {
    return null;
  }
}
