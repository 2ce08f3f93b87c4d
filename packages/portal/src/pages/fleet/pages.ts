import type { Role } from '@paravcl/shared/domain/people';
import { lazy } from 'react';
import type { Page } from '../../shell/page';

const roles: readonly Role[] = ['operator', 'admin'];

export const fleetPages: readonly Page[] = [
  { path: '/slaves', component: lazy(async () => ({ default: (await import('./slaves-page')).SlavesPage })), nav: { words: 'fleet:nav.slaves', section: 'run' }, roles },
  { path: '/slaves/join', component: lazy(async () => ({ default: (await import('./join/join-page')).JoinPage })), roles },
  { path: '/slaves/installs/:hostInstallId', component: lazy(async () => ({ default: (await import('./install/install-page')).InstallPage })), roles },
  // Students and teachers come here from their own machines of the pool.
  { path: '/slaves/:slaveId', component: lazy(async () => ({ default: (await import('./slave/slave-page')).SlavePage })) },
  { path: '/my-slaves', component: lazy(async () => ({ default: (await import('./join/my-slaves-page')).MySlavesPage })), nav: { words: 'fleet:nav.mySlaves', section: 'mine' }, roles: ['student', 'teacher'] },
  { path: '/pool', component: lazy(async () => ({ default: (await import('./pool/pool-page')).PoolPage })), nav: { words: 'fleet:nav.pool', section: 'run' }, roles },
  { path: '/events', component: lazy(async () => ({ default: (await import('./events-page')).EventsPage })), nav: { words: 'fleet:nav.events', section: 'run' }, roles },
  { path: '/policy', component: lazy(async () => ({ default: (await import('./policy-page')).PolicyPage })), nav: { words: 'fleet:nav.policy', section: 'run' }, roles },
];
