import type { Clock } from '@paravcl/shared/clock';
import type { UnitOfWork } from './db/unit-of-work';
import { apiTokenRoutes } from './http/api-token-routes';
import type { Authenticate } from './http/authentication';
import type { BoundRoute } from './http/binding';
import { groupRoutes } from './http/group-routes';
import { registrationRoutes } from './http/registration-routes';
import { sessionAuthentication } from './http/session-authentication';
import { sessionRoutes, type ClaimablePort } from './http/session-routes';
import { usageRoutes } from './http/usage-routes';
import { userRoutes } from './http/user-routes';
import { AccountService } from './services/account-service';
import { ApiTokenService } from './services/api-token-service';
import { GroupService } from './services/group-service';
import { PasswordService } from './services/password-service';
import { RegistrationService } from './services/registration-service';
import { RosterService } from './services/roster-service';
import { SessionService } from './services/session-service';
import { SessionWatch } from './services/session-watch';
import { UsageService } from './services/usage-service';
import { UserService } from './services/user-service';
import type { Settings } from './settings-from-config';

export interface ComposedPeople {
  readonly sessions: SessionService;
  readonly sessionWatch: SessionWatch;
  readonly registrations: RegistrationService;
  readonly authenticate: Authenticate;
  /** @param claims what a login is told of reservations */
  routes(claims: ClaimablePort): readonly BoundRoute[];
}

/** Accounts, groups, logins and tokens, and what people use of what they may. */
export function composePeople({ unit, clock, siteName, settings }: {
  readonly unit: UnitOfWork;
  readonly clock: Clock;
  /** No password is made of it. */
  readonly siteName: string;
  readonly settings: Pick<Settings, 'sessionLifetime' | 'loginLimits' | 'userNames' | 'quotas' | 'instances'>;
}): ComposedPeople {
  const { sessionLifetime, loginLimits, userNames, quotas, instances } = settings;
  const passwords = new PasswordService({ siteNames: [siteName] });
  const sessions = new SessionService({ unit, clock, passwords, lifetime: sessionLifetime, limits: loginLimits });
  const accounts = new AccountService({ unit, clock, passwords, sessions });
  const registrations = new RegistrationService({ unit, clock, passwords, sessions, userNames });
  const apiTokens = new ApiTokenService(unit, clock);
  return {
    sessions, registrations,
    sessionWatch: new SessionWatch(unit.read.sessions, clock, sessionLifetime.idleMs),
    authenticate: sessionAuthentication(sessions, apiTokens),
    routes: (claims) => [
      ...registrationRoutes({ registrations }),
      ...sessionRoutes({ unit, clock, sessions, accounts, claims }),
      ...userRoutes({ users: new UserService({ unit, clock, userNames }), accounts }),
      ...usageRoutes(new UsageService({ unit, quotas, settings: instances })),
      ...apiTokenRoutes(apiTokens),
      ...groupRoutes({ groups: new GroupService({ unit, clock }), roster: new RosterService({ unit, clock, userNames }) }),
    ],
  };
}
