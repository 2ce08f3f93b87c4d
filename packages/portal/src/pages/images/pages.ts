import type { Page } from '../../shell/page';

export const imagesPages: readonly Page[] = [];
