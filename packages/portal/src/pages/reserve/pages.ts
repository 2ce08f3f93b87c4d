import type { Page } from '../../shell/page';

export const reservePages: readonly Page[] = [];
