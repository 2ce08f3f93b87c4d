import type { FeedMessage } from '@paravcl/shared/api/feed';
import { feedCloseCodes, feedPath } from '@paravcl/shared/api/sockets';
import type { Clock } from '@paravcl/shared/clock';
import type { Principal } from '@paravcl/shared/domain/people';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type WebSocket } from 'ws';
import type { Authenticate } from '../http/authentication';
import { admitBrowser, browserPrincipal, type Refusal, type Upgrade } from '../http/browser-upgrade';
import { refuseUpgrade, upgradePath, type UpgradeDoor } from '../http/refused-upgrade';
import type { ChangeFeed } from '../services/change-feed';
import type { SessionWatch } from '../services/session-watch';

export interface FeedDoorLimits {
  /** A tab each. */
  readonly perSession: number;
  readonly perUser: number;
  readonly inAll: number;
  /** Whose session is being looked up. */
  readonly unproven: number;
  /** What one may hold that its browser has not taken yet. */
  readonly bufferedBytes: number;
  readonly pingEveryMs: number;
}

export const defaultFeedLimits: FeedDoorLimits = { perSession: 5, perUser: 20, inAll: 4000, unproven: 200, bufferedBytes: 256 * 1024, pingEveryMs: 30_000 };

export interface FeedDoorParts {
  readonly clock: Clock;
  readonly feed: Pick<ChangeFeed, 'listen'>;
  readonly sessions: Pick<SessionWatch, 'watch'>;
  readonly authenticate: Authenticate;
  readonly onFault: (error: unknown) => void;
}

/** RFC 6455 7.4.1. */
const closeCodes = { goingAway: 1001, policy: 1008 } as const;
/** Whoever does not take part in the end is cut off. */
const closeWithinMs = 2000;
/** Nothing that a client sends is read; a ping of it is not answered either. */
const maxClientBytes = 125;
const ready = JSON.stringify({ type: 'ready' } satisfies FeedMessage);

/** The door of the feed (`feedPath`): a browser with a session comes in, and is told what changed until one of both goes. */
export class FeedDoor implements UpgradeDoor {
  private readonly server = new WebSocketServer({ noServer: true, maxPayload: maxClientBytes, perMessageDeflate: false, clientTracking: false, autoPong: false });
  private readonly open = new Map<WebSocket, Principal>();
  private unproven = 0;
  private stopping = false;

  constructor(
    private readonly parts: FeedDoorParts,
    private readonly limits: FeedDoorLimits = defaultFeedLimits,
  ) {}

  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): boolean {
    if (upgradePath(request) !== feedPath) return false;
    if (this.stopping) refuseUpgrade(socket, 503, 'The master is stopping.');
    else if (this.unproven >= this.limits.unproven) refuseUpgrade(socket, 503, 'Too many browsers connect at this moment. Try again in a few seconds.');
    else void this.admit({ request, socket, head });
    return true;
  }

  /** Connected now. */
  get size(): number {
    return this.open.size;
  }

  /** Takes no more and ends those there are. */
  close(): void {
    this.stopping = true;
    for (const webSocket of this.open.keys()) this.end(webSocket, closeCodes.goingAway, 'The master is stopping.');
  }

  private async admit(upgrade: Upgrade): Promise<void> {
    this.unproven += 1;
    const { authenticate, onFault } = this.parts;
    await admitBrowser(upgrade, {
      server: this.server,
      identify: browserPrincipal,
      authenticate,
      full: (principal) => this.fullFor(principal),
      accept: (webSocket, principal) => this.accept(webSocket, principal),
      unanswered: 'The master cannot look up your session at this moment. Try again in a few seconds.',
      onFault,
    }).finally(() => (this.unproven -= 1));
  }

  private fullFor({ sessionId, userId }: Principal): Refusal | null {
    if (this.stopping) return { status: 503, sentence: 'The master is stopping.' };
    const { limits } = this;
    const full = (sentence: string): Refusal => ({ status: 429, sentence });
    const theirs = [...this.open.values()].filter((one) => one.userId === userId);
    if (theirs.filter((one) => one.sessionId === sessionId).length >= limits.perSession) return full(`This browser is told of changes in ${limits.perSession} places already, the most there are for one session. Close a tab.`);
    if (theirs.length >= limits.perUser) return full(`You are told of changes in ${limits.perUser} places already, the most there are for one person. Close a tab, or log out elsewhere.`);
    return this.open.size >= limits.inAll ? full(`${limits.inAll} browsers are told of changes already, the most this master takes.`) : null;
  }

  private accept(webSocket: WebSocket, principal: Principal): void {
    const { feed, sessions } = this.parts;
    this.open.set(webSocket, principal);
    const unlisten = feed.listen(principal, (message) => this.send(webSocket, message));
    const unwatch = sessions.watch(principal.sessionId, () => this.end(webSocket, feedCloseCodes.loggedOut, 'Your session has ended. Log in again.'));
    const stopPings = this.ping(webSocket);
    const refuse = (): void => this.end(webSocket, closeCodes.policy, 'Nothing may be sent here.');
    webSocket.on('message', refuse);
    webSocket.on('ping', refuse);
    // ws hangs up by itself on what breaks the protocol or is too long.
    webSocket.on('error', () => webSocket.terminate());
    webSocket.once('close', () => {
      this.open.delete(webSocket);
      stopPings();
      unwatch();
      unlisten();
    });
    this.send(webSocket, ready);
  }

  private send(webSocket: WebSocket, message: string): void {
    if (webSocket.readyState !== webSocket.OPEN) return;
    // Who reads that slowly would have to read all of it anew anyway; the browser dials again. A word of farewell would only wait, too.
    if (webSocket.bufferedAmount + message.length > this.limits.bufferedBytes) webSocket.terminate();
    else webSocket.send(message);
  }

  /** One that has not answered by the next ping is gone. */
  private ping(webSocket: WebSocket): () => void {
    const { clock } = this.parts;
    let answered = true;
    webSocket.on('pong', () => (answered = true));
    const beat = (): void => {
      if (!answered) return webSocket.terminate();
      answered = false;
      if (webSocket.readyState === webSocket.OPEN) webSocket.ping();
      cancel = clock.after(this.limits.pingEveryMs, beat);
    };
    let cancel = clock.after(this.limits.pingEveryMs, beat);
    return () => cancel();
  }

  private end(webSocket: WebSocket, code: number, sentence: string): void {
    if (webSocket.readyState !== webSocket.OPEN) return;
    webSocket.close(code, sentence);
    // What it still sends is not looked at any more.
    webSocket.removeAllListeners('message');
    webSocket.removeAllListeners('ping');
    this.parts.clock.after(closeWithinMs, () => webSocket.terminate());
  }
}
