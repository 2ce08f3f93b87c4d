import { ParavclError } from '@paravcl/shared/errors';
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { join } from 'node:path';

/** What runs one conversion, from the outside in. */
const programs = ['prlimit', 'setpriv', 'qemu-img'] as const;

/** The first program of the conversion that is in none of the directories of `path`; null when all are there. */
export async function missingProgram(path: string | undefined): Promise<string | null> {
  const directories = (path ?? '').split(':').filter((directory) => directory !== '');
  for (const program of programs) {
    const found = await Promise.all(directories.map((directory) => access(join(directory, program), constants.X_OK).then(() => true, () => false)));
    if (!found.includes(true)) return program;
  }
  return null;
}

/** To whoever brings a qcow2 image to a master that cannot read it. */
export function notInstalled(program: string, options?: ErrorOptions): ParavclError {
  return new ParavclError(
    'conflict',
    `${program} is not installed on the master: without it no qcow2 image is taken. An administrator must install it there (prlimit as setpriv is in the package util-linux, qemu-img in qemu-utils: "apt install util-linux qemu-utils"); the master needs no restart for it.`,
    {},
    options,
  );
}
