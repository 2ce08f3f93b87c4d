import type { Page } from '../../shell/page';

export const monitorPages: readonly Page[] = [];
