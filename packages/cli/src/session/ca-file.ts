import { dirname, join, resolve } from 'node:path';
import type { World } from '../world';
import type { Access } from './access';
import { configPath } from './config-file';
import { writeWhole } from './whole-file';

export interface CaFile {
  /** For `curl --cacert`; null where the certificate is publicly trusted. */
  readonly path: string | null;
  /** Why it is not there, and what to do; null where it is. */
  readonly fault: string | null;
}

/** A file with a master's CA, for other programs: the one that PARAVCL_CA names, else one that is written beside the configuration. */
export async function caFileOf(world: Pick<World, 'env' | 'home'>, { caPem, origin }: Pick<Access, 'caPem' | 'origin'>): Promise<CaFile> {
  if (caPem === null) return { path: null, fault: null };
  const named = world.env['PARAVCL_CA'];
  if (named !== undefined && named !== '') return { path: resolve(named), fault: null };
  const path = join(dirname(configPath(world)), `ca-${new URL(origin).host.replace(/[^\w.-]/g, '-')}.pem`);
  try {
    await writeWhole(path, caPem, 0o644);
    return { path, fault: null };
  } catch (error) {
    return { path, fault: `${path} with the master’s CA could not be written (${error instanceof Error ? error.message : String(error)}): name another file with it in --cacert.` };
  }
}
