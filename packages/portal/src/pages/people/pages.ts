import type { Role } from '@paravcl/shared/domain/people';
import { lazy } from 'react';
import type { Page } from '../../shell/page';

const roles: readonly Role[] = ['admin'];

export const peoplePages: readonly Page[] = [
  { path: '/users', component: lazy(async () => ({ default: (await import('./users-page')).UsersPage })), nav: { words: 'people:nav', section: 'run' }, roles },
  { path: '/users/:userId', component: lazy(async () => ({ default: (await import('./user-page')).UserPage })), roles },
];
