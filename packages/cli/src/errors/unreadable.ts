import { readFile } from 'node:fs/promises';
import { wrongUsage } from './refusal';

const reasons: Readonly<Record<string, string>> = { ENOENT: 'it is not there', EISDIR: 'it is a directory', EACCES: 'you may not', ENOTDIR: 'what should be a directory on the way to it is none' };

/** Why a file cannot be read, in words that end a sentence. */
export function whyUnreadable(error: unknown): string {
  const { code = '', message } = error as NodeJS.ErrnoException;
  return reasons[code] ?? message;
}

/** The text of a file that somebody named. Throws Refusal, as wrong usage, that says why it cannot be read. */
export async function readNamedFile(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw wrongUsage(`${path} cannot be read: ${whyUnreadable(error)}.`);
  }
}
