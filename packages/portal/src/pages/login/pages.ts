import { lazy } from 'react';
import type { Page } from '../../shell/page';
import { LoginPage } from './login-page';

/** The pages for who is not logged in. The first that most people see comes with the portal itself. */
export const entryPages: readonly Page[] = [
  { path: '/login', component: LoginPage, bare: true },
  { path: '/register', component: lazy(async () => ({ default: (await import('./register-page')).RegisterPage })), bare: true },
  { path: '/setup', component: lazy(async () => ({ default: (await import('./setup-page')).SetupPage })), bare: true },
  { path: '/password', component: lazy(async () => ({ default: (await import('./password-page')).PasswordPage })), bare: true },
];
