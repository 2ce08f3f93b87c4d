import type { Principal } from '@paravcl/shared/domain/people';
import type { IncomingMessage } from 'node:http';
import type { Authenticate } from './authentication';
import { isOwnOrigin } from './same-origin';

/** Who opens a WebSocket, or what they are answered instead. */
export type BrowserUpgrade = { readonly principal: Principal } | { readonly principal: null; readonly status: 401 | 403; readonly sentence: string };

/**
 * The check of every door for browsers. A browser opens a WebSocket to any site for any page, with the site's cookies and without asking
 * (RFC 6455 10.2): so the upgrade must say in `Origin`, which scripts cannot forge, that the page is our own. Then the session cookie
 * says who it is; nothing else is taken here.
 */
export async function browserPrincipal(request: IncomingMessage, authenticate: Authenticate): Promise<BrowserUpgrade> {
  const { origin, host, authorization } = request.headers;
  if (origin === undefined || !isOwnOrigin(origin, host)) return { principal: null, status: 403, sentence: 'Only pages of this site may open this.' };
  const found = authorization === undefined ? await authenticate(request) : null;
  return found?.by === 'cookie' ? { principal: found.principal } : { principal: null, status: 401, sentence: 'Your session has ended. Log in again.' };
}
