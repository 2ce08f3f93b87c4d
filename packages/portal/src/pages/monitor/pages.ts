import { lazy } from 'react';
import type { Page } from '../../shell/page';

export const monitorPages: readonly Page[] = [
  { path: '/monitoring', component: lazy(async () => ({ default: (await import('./monitor-page')).MonitorPage })), nav: { words: 'monitor:nav', section: 'run' }, roles: ['operator', 'admin'] },
];
