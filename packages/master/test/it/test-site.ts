import { systemClock, type Clock } from '@paravcl/shared/clock';
import { roleSchema, type Role } from '@paravcl/shared/domain/people';
import { parseJson } from '@paravcl/shared/parse-json';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { apiTokenRoutes } from '../../src/http/api-token-routes';
import { createApp } from '../../src/http/app';
import type { BoundRoute } from '../../src/http/binding';
import { answerBrokenRequests } from '../../src/http/broken-request';
import { eventRoutes } from '../../src/http/event-routes';
import { groupRoutes } from '../../src/http/group-routes';
import { idempotencyStore } from '../../src/http/idempotency-store';
import { openApiDocument } from '../../src/http/openapi';
import { registrationRoutes } from '../../src/http/registration-routes';
import { sessionAuthentication } from '../../src/http/session-authentication';
import { sessionRoutes, type ClaimablePort } from '../../src/http/session-routes';
import { usageRoutes } from '../../src/http/usage-routes';
import { userRoutes } from '../../src/http/user-routes';
import { documentRoutes } from '../../src/http/document-routes';
import { AccountService } from '../../src/services/account-service';
import { ApiTokenService } from '../../src/services/api-token-service';
import { GroupService } from '../../src/services/group-service';
import { noQuota, type UserNameRule } from '../../src/services/instance-settings';
import type { ScryptCost } from '../../src/services/password-hash';
import { PasswordService } from '../../src/services/password-service';
import { RegistrationService } from '../../src/services/registration-service';
import { RosterService } from '../../src/services/roster-service';
import { SessionService } from '../../src/services/session-service';
import { UsageService } from '../../src/services/usage-service';
import { UserService } from '../../src/services/user-service';
import { OpenApiCheck } from './openapi-check';
import { openTestDatabase, type TestDatabase } from './test-database';

export const goodPassword = 'a sparrow eats nine keys';

export interface Person {
  readonly id: string;
  readonly name: string;
  readonly token: string;
}

export interface Sent {
  readonly as?: Person | undefined;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as it is instead of `body`. */
  readonly raw?: string | Buffer;
}

export interface Got<T = Record<string, unknown>> {
  readonly status: number;
  readonly headers: Headers;
  readonly body: T;
}

export interface TestSite {
  readonly database: TestDatabase;
  readonly base: string;
  readonly routes: readonly BoundRoute[];
  readonly people: Readonly<Record<Role, Person>>;
  /** What the edge logged as its own faults; a test that expects none looks here. */
  readonly faults: unknown[];
  readonly registrations: RegistrationService;
  /** Sends, and checks the answer against the OpenAPI document. */
  send<T = Record<string, unknown>>(method: string, path: string, sent?: Sent): Promise<Got<T>>;
  /** A new user with a session. */
  person(name: string, role: Role, groupId?: string): Promise<Person>;
  login(name: string, password?: string): Promise<Person>;
  close(): Promise<void>;
}

export interface TestSiteOptions {
  readonly clock?: Clock;
  /** Routes of other nouns. */
  readonly more?: (database: TestDatabase) => readonly BoundRoute[];
  /** What a login tells of reservations; none by default. */
  readonly claims?: ClaimablePort;
  /** Which names a list gives to new people; any by default. */
  readonly userNames?: UserNameRule;
  /** Cheap unless the test is about its price. */
  readonly cost?: ScryptCost;
}

/** The people's part of the master over real HTTP and a real database, with one person of every role. */
export async function openTestSite(options: TestSiteOptions = {}): Promise<TestSite> {
  const database = await openTestDatabase();
  const { unit } = database;
  const clock = options.clock ?? systemClock;
  const passwords = new PasswordService({ cost: options.cost ?? { ln: 4, r: 8, p: 1 } });
  const sessions = new SessionService({ unit, clock, passwords });
  const accounts = new AccountService({ unit, clock, passwords, sessions });
  const registrations = new RegistrationService({ unit, clock, passwords, sessions });
  const apiTokens = new ApiTokenService(unit, clock);
  const nouns: readonly BoundRoute[] = [
    ...sessionRoutes({ unit, clock, sessions, accounts, claims: options.claims ?? { claimable: () => Promise.resolve([]) } }),
    ...registrationRoutes({ registrations }),
    ...userRoutes({ users: new UserService({ unit, clock }), accounts }),
    ...apiTokenRoutes(apiTokens),
    ...usageRoutes(new UsageService({ unit, quotas: { user: noQuota, group: noQuota, groups: new Map() }, settings: { instancesPerUser: 20 } })),
    ...groupRoutes({ groups: new GroupService({ unit, clock }), roster: new RosterService({ unit, clock, userNames: options.userNames ?? 'any' }) }),
    ...eventRoutes({ unit }),
    ...(options.more?.(database) ?? []),
  ];
  const routes = [...nouns, ...documentRoutes(nouns.map((bound) => bound.contract))];
  const faults: unknown[] = [];
  const app = createApp({
    routes,
    routers: [],
    authenticate: sessionAuthentication(sessions, apiTokens),
    idempotency: idempotencyStore(unit.read.idempotencyKeys, clock),
    checkAnswers: true,
    log: { error: (fields) => void faults.push(fields) },
  });
  const server = createServer(app).listen(0, '127.0.0.1');
  answerBrokenRequests(server);
  await new Promise((resolve) => server.once('listening', resolve));
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/v1`;
  const check = new OpenApiCheck(openApiDocument(routes.map((bound) => bound.contract)));

  const send: TestSite['send'] = async <T>(method: string, path: string, { as, body, headers, raw }: Sent = {}) => {
    const sentBody = raw ?? (body === undefined ? undefined : JSON.stringify(body));
    const response = await fetch(base + path, {
      method,
      headers: { ...(sentBody === undefined ? {} : { 'content-type': 'application/json' }), ...(as === undefined ? {} : { authorization: `Bearer ${as.token}` }), ...headers },
      ...(sentBody === undefined ? {} : { body: sentBody }),
    });
    const text = await response.text();
    const type = response.headers.get('content-type');
    const answer = text === '' ? undefined : type?.includes('json') ? parseJson(text) : text;
    check.check(method, path.split('?')[0] ?? '', response.status, type, answer);
    return { status: response.status, headers: response.headers, body: answer as T };
  };

  const login: TestSite['login'] = async (name, password = goodPassword) => {
    const { status, body } = await send<{ user: { id: string }; token: string }>('POST', '/sessions', { body: { name, password, transport: 'bearer' } });
    if (status !== 201) throw new Error(`${name} cannot log in: ${JSON.stringify(body)}`);
    return { id: body.user.id, name, token: body.token };
  };

  const setup = await registrations.issueSetupToken();
  if (setup === null) throw new Error('A fresh site has an administrator already.');
  await send('POST', '/setup', { body: { token: setup.token, name: 'admin1', displayName: 'Ada Admin', password: goodPassword } });
  const people = { admin: await login('admin1') } as Record<Role, Person>;

  const person: TestSite['person'] = async (name, role, groupId) => {
    const made = await send<{ password: { token: string } }>('POST', '/users', { as: people.admin, body: { name, displayName: `The ${name}`, role, primaryGroupId: groupId ?? null } });
    if (made.status !== 201) throw new Error(`${name} cannot be made: ${JSON.stringify(made.body)}`);
    await send('POST', '/passwords', { body: { token: made.body.password.token, password: goodPassword } });
    return login(name);
  };

  for (const role of roleSchema.options) if (role !== 'admin') people[role] = await person(`${role}1`, role);

  const close = async (): Promise<void> => {
    await new Promise((resolve) => {
      server.close(resolve);
      server.closeAllConnections();
    });
    await database.close();
  };
  return { database, base, routes, people, faults, registrations, send, person, login, close };
}
