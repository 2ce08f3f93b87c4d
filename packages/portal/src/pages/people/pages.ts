import type { Page } from '../../shell/page';

export const peoplePages: readonly Page[] = [];
