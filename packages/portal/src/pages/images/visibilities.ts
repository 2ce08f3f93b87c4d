import type { ImageVisibility } from '@paravcl/shared/domain/image';

/** From everybody's to one's own. */
export const imageVisibilities: readonly ImageVisibility[] = ['public', 'group', 'private'];
