import { editMe, getMe, login, logout } from '@paravcl/shared/api/sessions';
import type { Clock } from '@paravcl/shared/clock';
import type { Principal } from '@paravcl/shared/domain/people';
import type { Claimable } from '@paravcl/shared/domain/reservation';
import { ParavclError } from '@paravcl/shared/errors';
import type { UnitOfWork } from '../db/unit-of-work';
import type { AccountService } from '../services/account-service';
import { requireSession } from '../services/session-only';
import type { SessionService } from '../services/session-service';
import { acting } from './acting';
import { bind, type BoundRoute } from './binding';
import { endedSessionCookie, sessionCookie } from './session-cookie';

/** Reservations whose window is open, for the person who just came in. */
export interface ClaimablePort {
  claimable(principal: Principal): Promise<readonly Claimable[]>;
}

export interface SessionRoutesDeps {
  readonly unit: UnitOfWork;
  readonly clock: Clock;
  readonly sessions: SessionService;
  readonly accounts: AccountService;
  readonly claims: ClaimablePort;
}

export function sessionRoutes({ unit, clock, sessions, accounts, claims }: SessionRoutesDeps): BoundRoute[] {
  return [
    bind(login, async ({ body, clientAddress, principal }) => {
      const opened = await sessions.login(body.name, body.password, clientAddress, principal?.sessionId ?? null);
      const who = await sessions.principalOf(opened.token);
      const claimable = who === null ? [] : [...(await claims.claimable(who))];
      const answer = { user: opened.user, expiresAt: new Date(opened.expiresAt).toISOString(), claimable };
      return body.transport === 'bearer'
        ? { body: { ...answer, token: opened.token } }
        : { body: { ...answer, token: null }, headers: { 'Set-Cookie': sessionCookie(opened.token, opened.expiresAt, clock.now()) } };
    }),
    bind(logout, async ({ principal, clientAddress }) => {
      requireSession(principal, 'log out');
      await sessions.logout(principal, clientAddress);
      return { body: undefined, headers: { 'Set-Cookie': endedSessionCookie } };
    }),
    bind(getMe, async ({ principal }) => {
      const [user, groups] = await Promise.all([unit.read.users.find(principal.userId), unit.read.groups.ofUser(principal.userId)]);
      if (user === null) throw new ParavclError('unauthenticated', 'Your account is gone.');
      return { body: { user, groups: [...groups] } };
    }),
    bind(editMe, async (call) => ({ body: await accounts.edit(acting(call), call.body) })),
  ];
}
