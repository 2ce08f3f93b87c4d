import type { SessionService } from '../services/session-service';
import type { Authenticate } from './authentication';
import { cookieToken } from './session-cookie';

/** `Bearer` of the Authorization header (RFC 6750), else the session cookie. A header that is there decides alone. */
export function sessionAuthentication(sessions: Pick<SessionService, 'principalOf'>): Authenticate {
  return async (request) => {
    const header = request.headers.authorization;
    const by = header === undefined ? 'cookie' : 'bearer';
    const token = header === undefined ? cookieToken(request) : (/^Bearer +([\w-]{1,200})$/i.exec(header)?.[1] ?? null);
    const principal = token === null ? null : await sessions.principalOf(token);
    return principal === null ? null : { principal, by };
  };
}
