import type { Page } from '../../shell/page';

export const fleetPages: readonly Page[] = [];
