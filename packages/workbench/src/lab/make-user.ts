import { createUser, setPassword } from '@paravcl/shared/api/users';
import type { Role, User } from '@paravcl/shared/domain/people';
import type { ApiClient } from '../api-client';
import { randomPassword } from './lab';
import type { LabMaster } from './lab-master';

/** Somebody with an account, logged in. */
export interface LabUser {
  readonly user: User;
  readonly password: string;
  readonly client: ApiClient;
}

/** Makes an account as an administrator does, sets its password with the one-time token as its person does, and logs in. */
export async function makeUser(master: LabMaster, admin: ApiClient, about: { readonly name: string; readonly displayName?: string; readonly role?: Role }): Promise<LabUser> {
  const { name, displayName = name, role = 'student' } = about;
  const password = randomPassword();
  const { user, password: { token } } = await admin.call(createUser, { body: { name, displayName, role } });
  await admin.call(setPassword, { body: { token, password } });
  return { user, password, client: await master.loginAs(name, password) };
}
