import { readFile } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { imageFormatSchema } from '@paravcl/shared/domain/image';
import { parseJson } from '@paravcl/shared/parse-json';
import { z } from 'zod';
import type { DomainFiles } from '../hypervisor/driver';
import { DiskStoreError } from './disk-store';
import { names } from './pool-layout';

const pathSchema = z.string().refine(isAbsolute);

const instanceBaseSchema = z
  .object({
    backing: z.discriminatedUnion('kind', [
      z.object({ kind: z.literal('file'), path: pathSchema, format: imageFormatSchema }).readonly(),
      z.object({ kind: z.literal('nbd'), socket: pathSchema, exportName: z.string().min(1).max(200) }).readonly(),
    ]),
    kernel: pathSchema.nullable(),
    ramdisk: pathSchema.nullable(),
  })
  .readonly();

/**
 * What an instance is made of beside its own files: what its overlay lies over, and what it boots. Decided once, when
 * it is made, and kept beside its overlay: its definition must be the same as long as its RAM lives.
 */
export type InstanceBase = Pick<DomainFiles, 'backing' | 'kernel' | 'ramdisk'>;

export function writeInstanceBase(base: InstanceBase): string {
  return `${JSON.stringify(base satisfies z.infer<typeof instanceBaseSchema>)}\n`;
}

/** From an instance's directory; null when it has none written, as of an earlier release or not made yet. Throws DiskStoreError `failed`. */
export async function readInstanceBase(directory: string): Promise<InstanceBase | null> {
  const file = join(directory, names.backing);
  try {
    return instanceBaseSchema.parse(parseJson(await readFile(file, 'utf8')));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw new DiskStoreError('failed', `${file} does not say what the instance’s disk lies over. Its overlay names it too: qemu-img info --force-share ${join(directory, names.overlay)}`, { cause: error });
  }
}
