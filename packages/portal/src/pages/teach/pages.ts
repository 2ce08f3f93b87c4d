import type { Page } from '../../shell/page';

export const teachPages: readonly Page[] = [];
