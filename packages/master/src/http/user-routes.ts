import { createPasswordToken, createUser, editUser, getUser, listUsers, setPassword, setRole } from '@paravcl/shared/api/users';
import type { AccountService } from '../services/account-service';
import type { IssuedToken } from '../services/one-time-tokens';
import type { UserService } from '../services/user-service';
import { acting } from './acting';
import { bind, type BoundRoute } from './binding';

export interface UserRoutesDeps {
  readonly users: UserService;
  readonly accounts: AccountService;
}

export function userRoutes({ users, accounts }: UserRoutesDeps): BoundRoute[] {
  return [
    bind(listUsers, async ({ principal, query }) => {
      const page = await users.list(principal, query);
      return { body: { items: [...page.items], next: page.next } };
    }),
    bind(getUser, async ({ principal, params }) => ({ body: await users.get(principal, params.userId) })),
    bind(createUser, async (call) => {
      const { user, password } = await users.create(acting(call), call.body);
      return { body: { user, password: shownToken(password) } };
    }),
    bind(editUser, async (call) => ({ body: await users.edit(acting(call), call.params.userId, call.body) })),
    bind(setRole, async (call) => ({ body: await users.setRole(acting(call), call.params.userId, call.body.role) })),
    bind(createPasswordToken, async (call) => ({ body: shownToken(await users.createPasswordToken(acting(call), call.params.userId)) })),
    bind(setPassword, async ({ body, clientAddress }) => {
      await accounts.setPasswordByToken(body.token, body.password, clientAddress);
      return { body: undefined };
    }),
  ];
}

export const shownToken = (issued: IssuedToken) => ({ token: issued.token, expiresAt: new Date(issued.expiresAt).toISOString() });
