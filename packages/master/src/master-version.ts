import { parseJson } from '@paravcl/shared/parse-json';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

/** Of this program, as its package says it. */
export function masterVersion(): string {
  return z.object({ version: z.string() }).parse(parseJson(readFileSync(join(__dirname, '../package.json'), 'utf8'))).version;
}
