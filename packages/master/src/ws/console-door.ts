import { consoleHelloSchema } from '@paravcl/shared/api/connections';
import { consoleCloseCodes, consolePath } from '@paravcl/shared/api/sockets';
import type { Clock } from '@paravcl/shared/clock';
import type { Principal } from '@paravcl/shared/domain/people';
import { ParavclError } from '@paravcl/shared/errors';
import { parseJson } from '@paravcl/shared/parse-json';
import { splice } from '@paravcl/shared/protocol/splice';
import { maxFrameBytes } from '@paravcl/shared/protocol/version';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type RawData, type WebSocket } from 'ws';
import type { Authenticate } from '../http/authentication';
import { admitBrowser, clientPrincipal, type Refusal, type Upgrade } from '../http/browser-upgrade';
import { clientAddress } from '../http/client-address';
import { refuseUpgrade, upgradePath, type UpgradeDoor } from '../http/refused-upgrade';
import type { ConsoleService } from '../services/console-service';
import type { ConsoleTickets } from '../services/console-tickets';
import type { GuestConnections, OpenConnection } from '../services/guest-connections';
import { HeadCount } from './head-count';
import type { LinkLog } from './link-settings';
import type { StreamRelay } from './stream-relay';
import { StreamSocket, streamCloseCodes } from './stream-socket';

export interface ConsoleDoorLimits {
  /** Each of them may hold some hundred KiB that its other end has not taken yet. */
  readonly maxConnections: number;
  /** Those of whom it is being asked who they are, which takes milliseconds. */
  readonly maxUnknown: number;
  /** An address stands for a whole lab behind NAT. */
  readonly maxUnknownPerAddress: number;
  /** Those of one person that have shown no good ticket yet. Known people take no places of each other, whatever address they share. */
  readonly maxTicketlessPerUser: number;
}

export const defaultConsoleLimits: ConsoleDoorLimits = { maxConnections: 2000, maxUnknown: 200, maxUnknownPerAddress: 60, maxTicketlessPerUser: 8 };

const helloWithinMs = 5_000;

export interface ConsoleDoorParts {
  readonly clock: Clock;
  readonly log: LinkLog;
  readonly authenticate: Authenticate;
  readonly tickets: ConsoleTickets;
  readonly consoles: Pick<ConsoleService, 'guest'>;
  readonly connections: Pick<GuestConnections, 'open'>;
  readonly relay: Pick<StreamRelay, 'join'>;
}

/**
 * The door of consoles. A browser comes in with its session's cookie from a page of ours, a program with its bearer token; each shows a
 * ticket that the same session was given, and is joined to the guest. Neither alone is enough: a cookie goes along with what any page asks
 * for, and a ticket may have been read by another.
 */
export class ConsoleDoor implements UpgradeDoor {
  private readonly server = new WebSocketServer({ noServer: true, maxPayload: maxFrameBytes, perMessageDeflate: false, clientTracking: false });
  private readonly open = new Set<StreamSocket>();
  /** By address. */
  private readonly unknown = new HeadCount();
  /** By the id of the person. */
  private readonly ticketless = new HeadCount();
  private stopping = false;

  constructor(
    private readonly parts: ConsoleDoorParts,
    private readonly limits: ConsoleDoorLimits = defaultConsoleLimits,
  ) {}

  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): boolean {
    if (upgradePath(request) !== consolePath) return false;
    const address = clientAddress(request);
    const { limits } = this;
    if (this.stopping) refuseUpgrade(socket, 503, 'The master is stopping.');
    else if (this.unknown.total >= limits.maxUnknown || this.unknown.of(address) >= limits.maxUnknownPerAddress) refuseUpgrade(socket, 503, 'Too many consoles are being opened at this moment. Try again in a few seconds.');
    else void this.admit({ request, socket, head }, address);
    return true;
  }

  /** Connected now, whether a ticket was shown or not. */
  get size(): number {
    return this.open.size;
  }

  /** Takes no more connections and ends those there are. */
  close(): void {
    this.stopping = true;
    for (const each of [...this.open]) each.hangUp(streamCloseCodes.goingAway, 'The master is stopping.');
  }

  private async admit(upgrade: Upgrade, address: string): Promise<void> {
    const { authenticate, log } = this.parts;
    const leave = this.unknown.enter(address);
    await admitBrowser(upgrade, {
      server: this.server,
      identify: clientPrincipal,
      authenticate,
      full: (principal) => this.fullFor(principal),
      accept: (webSocket, principal) => this.accept(webSocket, principal, address),
      unanswered: 'The master cannot say who you are at this moment. Try again in a few seconds.',
      onFault: (error) => log.warn({ err: error }, 'nobody could be asked who opens a console'),
    }).finally(leave);
  }

  private fullFor({ userId }: Principal): Refusal | null {
    const { maxConnections, maxTicketlessPerUser } = this.limits;
    if (this.stopping) return { status: 503, sentence: 'The master is stopping.' };
    if (this.open.size >= maxConnections) return { status: 503, sentence: `${maxConnections} consoles are connected, the most this master takes. Try again later.` };
    if (this.ticketless.of(userId) < maxTicketlessPerUser) return null;
    return { status: 429, sentence: `You have ${maxTicketlessPerUser} consoles at the door that have shown no ticket, the most of one person. Try again in a few seconds.` };
  }

  private accept(webSocket: WebSocket, principal: Principal, address: string): void {
    const stream = new StreamSocket(webSocket, this.parts.clock);
    this.open.add(stream);
    const counted = this.ticketless.enter(principal.userId);
    const cancel = this.parts.clock.after(helloWithinMs, () => stream.hangUp(streamCloseCodes.policy, `No ticket was shown within ${helloWithinMs / 1000} s.`));
    webSocket.on('close', () => {
      cancel();
      counted();
      this.open.delete(stream);
    });
    stream.hear((data, isBinary) => {
      cancel();
      const ticket = ticketOf(data, isBinary);
      if (ticket === null) return stream.hangUp(streamCloseCodes.policy, 'The first message is a ticket, as JSON.');
      void this.connect(stream, principal, ticket, address, counted);
    });
  }

  /** `counted` once it counts among the connections of its person. */
  private async connect(browser: StreamSocket, principal: Principal, ticket: string, address: string, counted: () => void): Promise<void> {
    const { tickets, consoles, connections, relay, log } = this.parts;
    const asked = tickets.redeem(principal, ticket);
    if (asked === null) return browser.hangUp(consoleCloseCodes.unknownTicket, 'This ticket opens nothing: it is used, over, or of another session. Ask for a new one.');
    let connection: OpenConnection | null = null;
    let guest: Duplex | null = null;
    try {
      const { instance, slaveId, slaveName } = await consoles.guest(principal, asked.instanceId);
      const end = (code: number, sentence: string): void => {
        browser.hangUp(code, sentence);
        guest?.destroy();
      };
      connection = await connections.open({ kind: asked.kind, port: null, principal, instance, fromAddress: address, end });
      counted();
      guest = await relay.join(slaveId, { kind: asked.kind, instanceId: instance.id }, slaveName);
      if (browser.isGone) throw new BrowserGone();
      this.carry(browser, guest, connection, instance.name);
    } catch (error) {
      guest?.destroy();
      connection?.close();
      if (error instanceof BrowserGone) return;
      if (!(error instanceof ParavclError)) log.error({ err: error, instanceId: asked.instanceId }, 'a console could not be opened');
      browser.hangUp(closeCodeOf(error), error instanceof ParavclError ? error.message : 'A fault of the master. Try again.');
    }
  }

  private carry(browser: StreamSocket, guest: Duplex, connection: OpenConnection, instanceName: string): void {
    const answer = JSON.stringify({ open: true, connectionId: connection.id });
    const here = browser.open({ answer, code: consoleCloseCodes.ended, sentence: `The console of ${instanceName} ended where the machine is: it went off, was saved, or its host lost the connection.` });
    let bytes = 0;
    const count = (part: Buffer): void => void (bytes += part.length);
    here.on('data', count);
    guest.on('data', count);
    void splice(here, guest).then(() => connection.close(bytes));
  }
}

class BrowserGone extends Error {}

function ticketOf(data: RawData, isBinary: boolean): string | null {
  try {
    return isBinary ? null : consoleHelloSchema.parse(parseJson((data as Buffer).toString('utf8'))).ticket;
  } catch {
    return null;
  }
}

function closeCodeOf(error: unknown): number {
  if (!(error instanceof ParavclError)) return streamCloseCodes.tryAgain;
  switch (error.code) {
    case 'quota-exceeded':
      return consoleCloseCodes.limit;
    case 'forbidden':
    case 'not-found':
      return consoleCloseCodes.revoked;
    case 'conflict':
    case 'slave-offline':
    case 'slave-refused':
      return consoleCloseCodes.ended;
    default:
      return streamCloseCodes.tryAgain;
  }
}
