import { constants } from 'node:fs';
import { open, readlink, realpath, type FileHandle } from 'node:fs/promises';
import { sep } from 'node:path';
import { ParavclError } from '@paravcl/shared/errors';

export interface ImportFile {
  readonly handle: FileHandle;
  /** Without symbolic links. */
  readonly path: string;
  readonly sizeBytes: number;
}

/**
 * Opens a file of the server for reading, once: everything is judged on the open handle, so that nobody can put another
 * file in its place after it was looked at. Throws `conflict` when imports are off, `invalid-input` (field `path`) for
 * what is no regular file, is empty, or lies outside of every one of the directories.
 */
export async function openImportFile(path: string, directories: readonly string[]): Promise<ImportFile> {
  if (directories.length === 0) {
    throw new ParavclError('conflict', 'Nothing is imported here: images.importDirectories of the master’s configuration names no directory. Name one there and start the master anew, or upload the file.');
  }
  const wanted = await realpath(path).catch(() => null);
  const roots = (await Promise.all(directories.map((directory) => realpath(directory).catch(() => null)))).filter((root) => root !== null);
  if (wanted === null || !isBelow(wanted, roots)) throw refused(path, directories);
  // A pipe that came into its place must not hold us; a terminal must not become ours.
  const handle = await open(wanted, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY).catch(() => null);
  if (handle === null) throw new ParavclError('invalid-input', `The master cannot read ${path}. Let its user read the file, or upload it.`, { field: 'path', limit: 'a file the master may read' });
  try {
    const opened = await readlink(`/proc/self/fd/${handle.fd}`);
    const found = await handle.stat();
    if (!isBelow(opened, roots) || !found.isFile()) throw refused(path, directories);
    if (found.size === 0) throw new ParavclError('invalid-input', `${path} is empty.`, { field: 'path', limit: 'a file with content' });
    return { handle, path: opened, sizeBytes: found.size };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

function isBelow(path: string, roots: readonly string[]): boolean {
  return roots.some((root) => path.startsWith(root.endsWith(sep) ? root : root + sep));
}

function refused(path: string, directories: readonly string[]): ParavclError {
  const where = directories.join(', ');
  return new ParavclError('invalid-input', `${path} is no file in ${where}, from where images are imported (images.importDirectories). Put it there, or upload it.`, { field: 'path', limit: `a regular file in ${where}` });
}
