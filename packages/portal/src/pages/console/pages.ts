import type { Page } from '../../shell/page';

export const consolePages: readonly Page[] = [];
