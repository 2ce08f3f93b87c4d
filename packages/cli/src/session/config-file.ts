import { parseJson } from '@paravcl/shared/parse-json';
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { Refusal } from '../errors/refusal';
import { line } from '../output/advice';
import { unfit } from '../files/plain-file';
import type { World } from '../world';
import { withLock } from './lock-file';
import { makeOwnDirectory, writeWhole } from './whole-file';

/** One master one has logged in to. */
const rememberedSchema = z.object({
  origin: z.string(),
  /** PEM; null: its certificate is publicly trusted. */
  caPem: z.string().nullable(),
  user: z.string().nullable(),
  /** Of the bearer session; null after `logout`. */
  token: z.string().nullable(),
  expiresAt: z.string().nullable(),
});
export type RememberedMaster = z.infer<typeof rememberedSchema>;

const configSchema = z.object({ current: z.string().nullable(), masters: z.record(z.string(), rememberedSchema) });
export type Config = z.infer<typeof configSchema>;

const nothing: Config = { current: null, masters: {} };

/** `$XDG_CONFIG_HOME/paravcl/config.json`; below ~/.config where that is not set (XDG Base Directory Specification: relative ones are ignored). */
export function configPath({ env, home }: Pick<World, 'env' | 'home'>): string {
  const base = env['XDG_CONFIG_HOME'];
  return join(base?.startsWith('/') === true ? base : join(home, '.config'), 'paravcl', 'config.json');
}

/** What is remembered. Throws Refusal for a file that others may read or that is none of ours: it holds what opens the account. */
export async function readConfig(path: string): Promise<Config> {
  let file;
  try {
    file = await open(path, constants.O_RDONLY);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return nothing;
    throw new Refusal(`${path} ${unfit(error).message}.`, line`ls -l ${path}`, 1, { cause: error });
  }
  try {
    const { mode, uid } = await file.stat();
    if (uid !== process.getuid?.()) throw new Refusal(`${path} belongs to somebody else, and is not used.`, line`ls -l ${path}`);
    if ((mode & 0o077) !== 0) throw new Refusal(`${path} can be read or changed by others, and holds what opens your account: it is not used. Log in anew afterwards if somebody may have read it.`, line`chmod 600 ${path}`);
    const read = configSchema.safeParse(parsedOrNull(await file.readFile('utf8')));
    if (!read.success) throw new Refusal(`${path} is damaged, and is not used.`, line`mv ${path} ${`${path}.damaged`}`);
    return read.data;
  } finally {
    await file.close();
  }
}

/**
 * Changes what is remembered, from what stands there at that moment: another login or logout may have ended since this program began. Written whole or
 * not at all, for this user alone. Throws Refusal as `readConfig` does, and where others may change the directory.
 */
export async function changeConfig(path: string, change: (now: Config) => Config): Promise<void> {
  await makeOwnDirectory(dirname(path));
  await withLock(`${path}.lock`, async () => writeWhole(path, `${JSON.stringify(change(await readConfig(path)), null, 2)}\n`, 0o600));
}

function parsedOrNull(text: string): unknown {
  try {
    return parseJson(text);
  } catch {
    return null;
  }
}
