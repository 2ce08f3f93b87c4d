import { lazy } from 'react';
import type { Page } from '../../shell/page';

export const accountPages: readonly Page[] = [
  { path: '/account', component: lazy(async () => ({ default: (await import('./account-page')).AccountPage })) },
];
