import { lazy } from 'react';
import type { Page } from '../../shell/page';

export const homePages: readonly Page[] = [
  { path: '/', component: lazy(async () => ({ default: (await import('./home-page')).HomePage })), nav: { words: 'home:nav', section: 'mine' } },
];
