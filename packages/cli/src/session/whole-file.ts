import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { Refusal } from '../errors/refusal';
import { line } from '../output/advice';

/** Makes our directory where it is not there, for this user alone. Throws Refusal where others may change it. */
export async function makeOwnDirectory(directory: string): Promise<void> {
  try {
    await makeDirectories(directory);
  } catch (error) {
    throw new Refusal(`${directory} cannot be made: ${(error as Error).message}.`, line`ls -ld ${dirname(directory)}`, 1, { cause: error });
  }
  const { mode, uid } = await stat(directory);
  if ((mode & 0o022) !== 0) throw new Refusal(`${directory} can be changed by others; nothing is written there.`, line`chmod 700 ${directory}`);
  if (uid === process.getuid?.() && (mode & 0o077) !== 0) await chmod(directory, 0o700);
}

/** Not by mkdir's own `recursive`, which never ends below a file system that takes no directories, as /proc (Node 20). */
async function makeDirectories(directory: string): Promise<void> {
  const make = (): Promise<void> =>
    mkdir(directory, { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
  await make().catch(async (error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT' || existsSync(dirname(directory))) throw error;
    await makeDirectories(dirname(directory));
    await make();
  });
}

/** Writes a file of our directory whole or not at all. Throws Refusal as `makeOwnDirectory` does. */
export async function writeWhole(path: string, text: string, mode: number): Promise<void> {
  const directory = dirname(path);
  await makeOwnDirectory(directory);
  const beside = join(directory, `.${basename(path)}.${randomUUID()}`);
  try {
    const file = await open(beside, 'wx', mode);
    try {
      await file.writeFile(text);
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
