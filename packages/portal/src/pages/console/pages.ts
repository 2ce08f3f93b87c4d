import { lazy } from 'react';
import type { Page } from '../../shell/page';

export const consolePages: readonly Page[] = [
  { path: '/machines/:instanceId/console', component: lazy(async () => ({ default: (await import('./screen-page')).ScreenPage })), bare: true },
  { path: '/machines/:instanceId/serial', component: lazy(async () => ({ default: (await import('./serial-page')).SerialPage })), bare: true },
];
