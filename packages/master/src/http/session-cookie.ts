import type { EpochMs } from '@paravcl/shared/clock';
import type { IncomingMessage } from 'node:http';

/**
 * `__Host-` makes browsers refuse the cookie unless it is Secure, has Path=/ and no Domain, so that no
 * neighbour on the domain can plant one (RFC 6265bis 4.1.3.2).
 */
const name = '__Host-paravcl';
const attributes = 'Path=/; Secure; HttpOnly; SameSite=Lax';

export function sessionCookie(token: string, expiresAt: EpochMs, now: EpochMs): string {
  return `${name}=${token}; ${attributes}; Max-Age=${Math.max(0, Math.floor((expiresAt - now) / 1000))}`;
}

export const endedSessionCookie = `${name}=; ${attributes}; Max-Age=0`;

/** The session's token as the browser sends it; null when it sends none, or two, which no browser of ours does. */
export function cookieToken(request: IncomingMessage): string | null {
  const found = (request.headers.cookie ?? '')
    .split(';')
    .map((pair) => pair.trim())
    .filter((pair) => pair.startsWith(`${name}=`))
    .map((pair) => pair.slice(name.length + 1));
  return found.length === 1 && found[0] !== undefined && found[0] !== '' ? found[0] : null;
}
