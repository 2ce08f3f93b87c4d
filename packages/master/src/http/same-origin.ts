import { ParavclError } from '@paravcl/shared/errors';
import type { IncomingHttpHeaders } from 'node:http';
import type { Authenticated } from './authentication';

const safeMethods = ['GET', 'HEAD', 'OPTIONS'];

/**
 * Cross-site request forgery. A browser adds its cookies to a request of any page, and says where the
 * page is from in `Origin` and `Sec-Fetch-Site` (Fetch standard), which scripts cannot forge. So a
 * request that changes something
 *   by bearer token: passes, no browser sends one by itself;
 *   by cookie: must carry at least one of both headers, and none of them may name another site;
 *   by nobody (login, registration): must not name another site, so that no foreign page can log a
 *   person in under another name; without both headers it is no browser and passes.
 * `SameSite=Lax` on the cookie is the second wall.
 *
 * @throws ParavclError `bad-origin`
 */
export function requireSameOrigin(method: string, headers: IncomingHttpHeaders, by: Authenticated['by'] | null): void {
  if (by === 'bearer' || safeMethods.includes(method)) return;
  const site = headers['sec-fetch-site'];
  const { origin } = headers;
  if (site !== undefined && site !== 'same-origin' && site !== 'none') throw badOrigin(String(site));
  if (origin !== undefined && !isOwnOrigin(origin, headers.host)) throw badOrigin(origin);
  if (by === 'cookie' && site === undefined && origin === undefined) throw badOrigin('neither Origin nor Sec-Fetch-Site');
}

/**
 * Why a WebSocket may not be opened from where it comes; null when it may. The same-origin policy does not hold for WebSockets (RFC 6455
 * 10.2), but a browser says in `Origin` which page opens one. With a cookie it must be a page of ours; a program with a bearer token sends none.
 */
export function foreignOrigin({ origin, host }: IncomingHttpHeaders, by: Authenticated['by'] | null): string | null {
  if (origin !== undefined && !isOwnOrigin(origin, host)) return `This connection came from another page (${origin.slice(0, 100)}). Use the lab's own address.`;
  return origin === undefined && by === 'cookie' ? "This connection came without Origin. Use the lab's own pages, or a bearer token from a program." : null;
}

/** The master speaks HTTPS only; a TLS-terminating proxy in front keeps the Host header. */
export function isOwnOrigin(origin: string, host: string | undefined): boolean {
  if (host === undefined || !URL.canParse(origin)) return false;
  const own = URL.canParse(`https://${host}`) ? new URL(`https://${host}`) : null;
  return own !== null && new URL(origin).origin === own.origin;
}

function badOrigin(said: string): ParavclError {
  return new ParavclError('bad-origin', `This request came from another page (${said.slice(0, 100)}). Use the lab's own address, or a bearer token from a program.`);
}
