import { lazy } from 'react';
import type { Page } from '../../shell/page';

export const noticesPages: readonly Page[] = [
  { path: '/notices', component: lazy(async () => ({ default: (await import('./notices-page')).NoticesPage })) },
];
