import { parseJson } from '@paravcl/shared/parse-json';
import { constants } from 'node:fs';
import { mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { randomUUID } from 'node:crypto';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { Refusal } from '../errors/refusal';
import { whyUnreadable } from '../errors/unreadable';
import type { World } from '../world';

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
    throw new Refusal(`${path} cannot be read: ${whyUnreadable(error)}.`, `ls -l ${path}`, 1, { cause: error });
  }
  try {
    const { mode, uid } = await file.stat();
    if (uid !== process.getuid?.()) throw new Refusal(`${path} belongs to somebody else, and is not used.`, `ls -l ${path}`);
    if ((mode & 0o077) !== 0) throw new Refusal(`${path} can be read or changed by others, and holds what opens your account: it is not used. Log in anew afterwards if somebody may have read it.`, `chmod 600 ${path}`);
    const read = configSchema.safeParse(parsedOrNull(await file.readFile('utf8')));
    if (!read.success) throw new Refusal(`${path} is damaged, and is not used.`, `mv ${path} ${path}.damaged`);
    return read.data;
  } finally {
    await file.close();
  }
}

/** Writes it whole or not at all, for this user alone. */
export async function writeConfig(path: string, config: Config): Promise<void> {
  const directory = dirname(path);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const { mode } = await stat(directory);
  if ((mode & 0o022) !== 0) throw new Refusal(`${directory} can be changed by others; nothing is written there.`, `chmod 700 ${directory}`);
  const beside = join(directory, `.config.${randomUUID()}`);
  try {
    const file = await open(beside, 'wx', 0o600);
    try {
      await file.writeFile(`${JSON.stringify(config, null, 2)}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(beside, path);
  } catch (error) {
    await rm(beside, { force: true });
    throw error;
  }
}

function parsedOrNull(text: string): unknown {
  try {
    return parseJson(text);
  } catch {
    return null;
  }
}
