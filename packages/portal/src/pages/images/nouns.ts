import type { ImageKind } from '@paravcl/shared/domain/image';

/** What the API calls each kind. */
export const nouns = { disk: 'images', kernel: 'kernels', ramdisk: 'ramdisks' } as const satisfies Readonly<Record<ImageKind, string>>;
export type Noun = (typeof nouns)[ImageKind];

export const kinds = Object.keys(nouns) as readonly ImageKind[];

/** The noun in an address such as /kernels/…; disk images where there is none. */
export function nounOf(pathname: string): Noun {
  return Object.values(nouns).find((noun) => pathname.startsWith(`/${noun}/`)) ?? 'images';
}
