import { randomUUID } from 'node:crypto';
import { chmod, link, mkdir, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { parseJson } from '@paravcl/shared/parse-json';
import { z } from 'zod';
import { eventually } from '../eventually';
import { identityOf, isSameProcess, processIdentitySchema, type ProcessIdentity } from '../process/process-identity';
import { withLockOf } from './directory-lock';

/** What a lab needs to be found again and told alive from dead. No secrets. */
const labRecordSchema = z.object({
  /** `making` until everything is up. */
  state: z.enum(['making', 'ready']),
  /** Holds the lab: with it everything ends. */
  supervisor: processIdentitySchema,
  /** Process 1 of the namespaces all of it lies in; null until it is there. */
  inside: processIdentitySchema.nullable(),
  /** Where the master is reached from this machine. */
  url: z.string(),
  hosts: z.array(z.string()),
  startedAt: z.string(),
});
export type LabRecord = z.infer<typeof labRecordSchema>;

/** Everything of a lab by its path; sockets lie here, so the directory's path has to be short. */
export function labFiles(directory: string) {
  return {
    record: join(directory, 'lab.json'),
    /** Takes `LabRequest`s. */
    control: join(directory, 'control.sock'),
    /** Leads to the master's port. */
    masterSocket: join(directory, 'master.sock'),
    log: join(directory, 'lab.log'),
    password: join(directory, 'admin-password'),
  } as const;
}

/** A socket's path ends at 107 bytes (unix(7)); the deepest of a lab are QEMU's, below the directory of a host. */
const deepestSocket = '/pool/instances/01234567-89ab-cdef-0123-456789abcdef/run/vnc.sock';
/** In bytes: 42. */
export const longestHostDirectory = 107 - deepestSocket.length;
/** In bytes: 34, for as many hosts as a lab may have. */
const longestDirectory = longestHostDirectory - '/host-16'.length;

/** The directory cannot be the lab's, or something else stands against what was asked; the message says what to do. */
export class LabError extends Error {
  override readonly name = 'LabError';
}

/** Null when no lab was made in the directory. Throws LabError when the record is not one of this version. */
export async function readLabRecord(directory: string): Promise<LabRecord | null> {
  const file = labFiles(directory).record;
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'EACCES') throw new LabError(`Whether a lab runs in ${directory} only root may see. Run the same with sudo.`);
    return null;
  });
  if (text === null) return null;
  try {
    return labRecordSchema.parse(parseJson(text));
  } catch (cause) {
    throw new LabError(`${file} cannot be read as this version's record of a lab. Look at ${directory}, and remove it by hand if it is an old lab's.`, { cause });
  }
}

/** Writes the record; `first` only when there is none, so that of two labs at once one is refused. */
export async function writeLabRecord(directory: string, record: LabRecord, first = false): Promise<void> {
  const { record: file } = labFiles(directory);
  const text = `${JSON.stringify(record, null, 2)}\n`;
  if (first) {
    // Whole or not there, and only when there is none: link(2) refuses to replace.
    const own = `${file}.${randomUUID()}`;
    await writeFile(own, text, { mode: 0o600, flag: 'wx' });
    await link(own, file).finally(() => rm(own));
    return;
  }
  await writeFile(`${file}.new`, text, { mode: 0o600 });
  await rename(`${file}.new`, file);
}

/** Whether anything of that lab still runs. */
export function isAlive(record: LabRecord): boolean {
  return isSameProcess(record.supervisor) || (record.inside !== null && isSameProcess(record.inside));
}

/**
 * Removes the directory of a lab that is dead. False, and nothing is removed, when somebody else removes it or makes
 * another lab there at this moment, or made one since.
 */
export async function removeDead(directory: string, dead: LabRecord): Promise<boolean> {
  return (await withLockOf(directory, () => removeAlone(directory, dead)))?.answer ?? false;
}

async function removeAlone(directory: string, dead: LabRecord): Promise<boolean> {
  const now = await readLabRecord(directory);
  if (now === null || now.supervisor.pid !== dead.supervisor.pid || now.supervisor.startTicks !== dead.supervisor.startTicks) return false;
  // What is big goes first: who is killed here leaves a dead lab.
  const record = basename(labFiles(directory).record);
  for (const name of await readdir(directory)) if (name !== record) await rm(join(directory, name), { recursive: true, force: true });
  await rm(directory, { recursive: true, force: true });
  return true;
}

function thisProcess(): ProcessIdentity {
  const self = identityOf(process.pid);
  if (self === null) throw new Error('This process is not found in /proc.');
  return self;
}

/**
 * Makes the directory a new lab's: what a dead lab left there goes, anything else that is there is refused.
 * Throws LabError with what to do. Says what it removed.
 */
export async function claimDirectory(directory: string, say: (line: string) => void): Promise<void> {
  if (Buffer.byteLength(directory) > longestDirectory) {
    throw new LabError(`${directory} is ${String(Buffer.byteLength(directory))} bytes long; a lab's directory may have ${String(longestDirectory)}, because sockets lie deep in it. Choose a shorter one with --dir.`);
  }
  if ((await withLockOf(directory, () => claimAlone(directory, say))) === null) throw beingMade(directory);
}

/** From the reading of a dead lab's record to the claim nobody else claims or removes there. */
async function claimAlone(directory: string, say: (line: string) => void): Promise<void> {
  const earlier = await readLabRecord(directory);
  if (earlier !== null) {
    // The kernel may still be at ending what a supervisor that was killed held.
    if (!isSameProcess(earlier.supervisor)) await eventually('the dead lab to be gone', 10_000, () => (isAlive(earlier) ? undefined : true));
    if (isAlive(earlier) && earlier.state === 'making') throw beingMade(directory);
    if (isAlive(earlier)) throw new LabError(`A lab runs in ${directory} since ${earlier.startedAt}, at ${earlier.url}. Use it (npm run lab -- status), or end it first (npm run lab -- down).`);
    if (!(await removeAlone(directory, earlier))) throw beingMade(directory);
    say(`The lab of ${earlier.startedAt} in ${directory} has ended without "down"; what it left is removed.`);
  }
  try {
    await mkdir(directory, { mode: 0o711 });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code !== 'EEXIST') throw new LabError(`${directory} cannot be made: ${message}. Choose another directory with --dir.`);
    const there = await readdir(directory).catch(() => null);
    if (there === null) throw new LabError(`${directory} is not a directory. Choose another one with --dir.`);
    // Somebody may have begun in between; the parts of the claim bear the record's name.
    if (there.length > 0 && there.every((name) => name.startsWith(basename(labFiles(directory).record)))) throw beingMade(directory);
    if (there.length > 0) throw new LabError(`${directory} is not empty and not a lab's, and what a lab uses it removes. Choose a new or empty directory with --dir.`);
  }
  // Guests run as another user and must be able to walk to their disks.
  await chmod(directory, 0o711);
  // Until the supervisor writes its own: of two that start at once in one directory the second finds this.
  const claim: LabRecord = { state: 'making', supervisor: thisProcess(), inside: null, url: '', hosts: [], startedAt: new Date().toISOString() };
  await writeLabRecord(directory, claim, true).catch((error: NodeJS.ErrnoException) => {
    throw error.code === 'EEXIST' ? beingMade(directory) : error;
  });
}

function beingMade(directory: string): LabError {
  return new LabError(`A lab is being made in ${directory} at this moment. Wait for it (npm run lab -- status), or choose another directory with --dir.`);
}
