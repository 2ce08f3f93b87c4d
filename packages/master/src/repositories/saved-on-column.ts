import { hypervisorKindSchema } from '@paravcl/shared/domain/slave';
import { parseJson } from '@paravcl/shared/parse-json';
import { z } from 'zod';
import type { SavedOn } from '../core/saved-ram';

const savedOnSchema = z.object({ kind: hypervisorKindSchema, machine: z.string().nullable(), cpu: z.string().nullable(), qemu: z.string().nullable() });

export function savedOnFromColumn(text: string | null): SavedOn | null {
  return text === null ? null : savedOnSchema.parse(parseJson(text));
}

export function savedOnToColumn(savedOn: SavedOn | null): string | null {
  return savedOn === null ? null : JSON.stringify(savedOn);
}
