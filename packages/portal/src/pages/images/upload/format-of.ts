import type { ImageFormat } from '@paravcl/shared/domain/image';

/** What a file most likely is by its name; who uploads it may say otherwise, and the master looks. */
export const formatOf = (fileName: string): ImageFormat => (/\.(raw|img|iso|bin|dd)$/i.test(fileName) ? 'raw' : 'qcow2');
