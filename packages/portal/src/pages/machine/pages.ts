import { lazy } from 'react';
import type { Page } from '../../shell/page';

export const machinePages: readonly Page[] = [
  { path: '/machines/:instanceId', component: lazy(async () => ({ default: (await import('./machine-page')).MachinePage })) },
];
