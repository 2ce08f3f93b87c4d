import { parseJson } from '@paravcl/shared/parse-json';
import { z } from 'zod';
import { DiskStoreError } from './disk-store';
import { linesOfDiskTool } from './disk-tool';
import type { LayerExtent } from './layer-blocks';

const mapEntrySchema = z.object({
  start: z.int().nonnegative(),
  length: z.int().positive(),
  /** Since QEMU 6.1: the layer itself says what is here, not what is below it. */
  present: z.boolean(),
  zero: z.boolean(),
  data: z.boolean(),
  offset: z.int().nonnegative().optional(),
});

/**
 * What one qcow2 layer holds itself, whatever is below it, by rising start: `qemu-img map` of that file alone. It may be
 * open elsewhere; nobody writes it. Read as it comes. Throws DiskStoreError `failed`.
 */
export async function* extentsOfLayer(path: string): AsyncGenerator<LayerExtent> {
  const alone = { driver: 'qcow2', backing: null, file: { driver: 'file', filename: path } };
  for await (const line of linesOfDiskTool('qemu-img', ['map', '--force-share', '--output=json', '--', `json:${JSON.stringify(alone)}`])) {
    // One entry a line, as elements of one array.
    const text = line.replace(/^\[/, '').replace(/[,\]]+$/, '');
    if (text.trim() === '') continue;
    const entry = mapEntrySchema.safeParse(parseJson(text));
    if (!entry.success) throw new DiskStoreError('failed', `qemu-img map speaks of ${path} in words of a release before QEMU 6.1 or of one that is not known here: ${text.slice(0, 200)}`);
    const { start, length, present, zero, data, offset } = entry.data;
    if (!present) continue;
    if (zero) yield { start, length, offset: null };
    else if (data && offset !== undefined) yield { start, length, offset };
    else throw new DiskStoreError('failed', `${path} holds bytes ${start} to ${start + length} in a way that is not read here: ${text.slice(0, 200)}`);
  }
}
