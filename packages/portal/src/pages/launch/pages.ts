import { lazy } from 'react';
import type { Page } from '../../shell/page';

export const launchPages: readonly Page[] = [
  { path: '/launch', component: lazy(async () => ({ default: (await import('./launch-page')).LaunchPage })), nav: { words: 'launch:nav', section: 'mine' } },
];
