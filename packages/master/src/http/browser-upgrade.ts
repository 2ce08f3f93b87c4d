import type { Principal } from '@paravcl/shared/domain/people';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { WebSocket, WebSocketServer } from 'ws';
import type { Authenticate } from './authentication';
import { refuseUpgrade } from './refused-upgrade';
import { foreignOrigin, isOwnOrigin } from './same-origin';

/** What who is not let in is answered. */
export interface Refusal {
  readonly status: 401 | 403 | 429 | 503;
  readonly sentence: string;
}

/** Who opens a WebSocket, or what they are answered instead. */
export type BrowserUpgrade = { readonly principal: Principal } | ({ readonly principal: null } & Refusal);

/** One upgrade, as the node server gives it. */
export interface Upgrade {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
}

export interface Admission {
  readonly server: WebSocketServer;
  /** `browserPrincipal` or `clientPrincipal`. */
  readonly identify: (request: IncomingMessage, authenticate: Authenticate) => Promise<BrowserUpgrade>;
  readonly authenticate: Authenticate;
  /** Why somebody who may come in cannot now; null: they can. */
  readonly full: (principal: Principal) => Refusal | null;
  readonly accept: (webSocket: WebSocket, principal: Principal) => void;
  /** Nobody could be asked who it is; this is what they are told. */
  readonly unanswered: string;
  readonly onFault: (error: unknown) => void;
}

/** Asks who is at a door for browsers, and lets them in or says why not. It ends with the upgrade, or once the refusal is written. */
export async function admitBrowser({ request, socket, head }: Upgrade, admission: Admission): Promise<void> {
  const gone = (): void => void socket.destroy();
  socket.on('error', gone);
  const refuse = ({ status, sentence }: Refusal): void => refuseUpgrade(socket, status, sentence);
  try {
    const found = await admission.identify(request, admission.authenticate);
    if (found.principal === null) return refuse(found);
    const { principal } = found;
    const full = admission.full(principal);
    if (full !== null) return refuse(full);
    if (socket.destroyed) return;
    socket.off('error', gone);
    admission.server.handleUpgrade(request, socket, head, (webSocket) => admission.accept(webSocket, principal));
  } catch (error) {
    admission.onFault(error);
    refuse({ status: 503, sentence: admission.unanswered });
  }
}

/**
 * For doors that pages alone come to. A browser opens a WebSocket to any site for any page, with the site's cookies and without asking
 * (RFC 6455 10.2): so the upgrade must say in `Origin`, which scripts cannot forge, that the page is our own. Then the session cookie
 * says who it is; nothing else is taken here.
 */
export async function browserPrincipal(request: IncomingMessage, authenticate: Authenticate): Promise<BrowserUpgrade> {
  const { origin, host, authorization } = request.headers;
  if (origin === undefined || !isOwnOrigin(origin, host)) return { principal: null, status: 403, sentence: 'Only pages of this site may open this.' };
  const found = authorization === undefined ? await authenticate(request) : null;
  return found?.by === 'cookie' ? { principal: found.principal } : { principal: null, status: 401, sentence: 'Your session has ended. Log in again.' };
}

/** For doors that programs come to as well: these show a bearer token, which no page can send, and need no `Origin`. */
export async function clientPrincipal(request: IncomingMessage, authenticate: Authenticate): Promise<BrowserUpgrade> {
  const found = await authenticate(request);
  const foreign = foreignOrigin(request.headers, found?.by ?? null);
  if (foreign !== null) return { principal: null, status: 403, sentence: foreign };
  return found === null ? { principal: null, status: 401, sentence: 'You are not logged in, or your session has ended. Log in and try again.' } : { principal: found.principal };
}
