import { join } from 'node:path';
import { z } from 'zod';
import { absolutePath } from './config-values';

/** Where the portal's built files lie: beside the master, in this repository as in node_modules. */
export const portalBesideMaster = join(__dirname, '..', '..', 'portal', 'dist');

export const portalOptions = z
  .strictObject({
    /** What `vite build` made; null: no portal. */
    directory: absolutePath.nullable().default(portalBesideMaster),
  })
  .prefault({});
