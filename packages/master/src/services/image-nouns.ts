import type { ImageKind } from '@paravcl/shared/domain/image';
import { ParavclError } from '@paravcl/shared/errors';

export const imageNouns: Readonly<Record<ImageKind, string>> = { disk: 'image', kernel: 'kernel', ramdisk: 'ramdisk' };

/** Also for what is there and not to be seen: its existence is nobody else's business. */
export function missingImage(kind: ImageKind, id: string): ParavclError {
  return new ParavclError('not-found', `There is no ${imageNouns[kind]} ${id}, or it is not yours to see.`);
}
