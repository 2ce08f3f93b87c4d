import { lazy } from 'react';
import type { Page } from '../../shell/page';

const component = lazy(async () => ({ default: (await import('./why-page')).WhyPage }));

export const whyPages: readonly Page[] = ['/why/:decisionId', '/instances/:instanceId/why', '/reservations/:reservationId/why'].map((path) => ({ path, component }));
