import { lazy } from 'react';
import type { Page } from '../../shell/page';
import { whyPages } from '../why/pages';

export const reservePages: readonly Page[] = [
  { path: '/reserve', component: lazy(async () => ({ default: (await import('./reserve-page')).ReservePage })), nav: { words: 'reserve:nav.reserve', section: 'mine' } },
  { path: '/reservations', component: lazy(async () => ({ default: (await import('./reservations-page')).ReservationsPage })), nav: { words: 'reserve:nav.reservations', section: 'mine' } },
  { path: '/reservations/:reservationId', component: lazy(async () => ({ default: (await import('./reservation-page')).ReservationPage })) },
  { path: '/queue', component: lazy(async () => ({ default: (await import('./queue-page')).QueuePage })), nav: { words: 'reserve:nav.queue', section: 'mine' } },
  ...whyPages,
];
