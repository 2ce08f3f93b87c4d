import type { Principal } from '@paravcl/shared/domain/people';
import type { SessionService } from '../services/session-service';
import type { Authenticate } from './authentication';
import { cookieToken } from './session-cookie';

/** Whom an API token stands for: `ApiTokenService`. */
interface ApiTokens {
  principalOf(token: string): Promise<Principal | null>;
}

/**
 * `Bearer` of the Authorization header (RFC 6750), else the session cookie. A header that is there decides alone. API tokens are taken
 * from the header only: a browser sends none by itself.
 */
export function sessionAuthentication(sessions: Pick<SessionService, 'principalOf'>, apiTokens: ApiTokens): Authenticate {
  return async (request) => {
    const header = request.headers.authorization;
    const by = header === undefined ? 'cookie' : 'bearer';
    const token = header === undefined ? cookieToken(request) : (/^Bearer +([\w-]{1,200})$/i.exec(header)?.[1] ?? null);
    if (token === null) return null;
    const principal = by === 'bearer' && token.startsWith('pva_') ? await apiTokens.principalOf(token) : await sessions.principalOf(token);
    return principal === null ? null : { principal, by };
  };
}
