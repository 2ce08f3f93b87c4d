import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { idSchema } from '@paravcl/shared/ids';
import { parseJson } from '@paravcl/shared/parse-json';
import { z } from 'zod';
import { syncDirectory } from '../disks/sync-directory';

/** What the host keeps of its enrolment. The key is beside it, the master's CA too unless publicly trusted. */
const enrolmentRecordSchema = z.object({
  masterUrl: z.url({ protocol: /^https$/ }),
  slaveId: idSchema,
  siteId: idSchema,
  name: z.string(),
  /** `pinned`: only certificates that `ca.pem` signed are believed; `public`: the system's authorities are. */
  trust: z.enum(['pinned', 'public']),
});
export type EnrolmentRecord = Readonly<z.infer<typeof enrolmentRecordSchema>>;

export const enrolmentFileName = 'enrolment.json';
export const caFileName = 'ca.pem';

/** Null when this host is not enrolled. Throws when the file is there and makes no sense. */
export async function readEnrolment(stateDir: string): Promise<EnrolmentRecord | null> {
  const text = await readIfThere(join(stateDir, enrolmentFileName));
  return text === null ? null : enrolmentRecordSchema.parse(parseJson(text));
}

/** The last thing an enrolment writes: with it the host is enrolled. */
export async function writeEnrolment(stateDir: string, record: EnrolmentRecord): Promise<void> {
  await replaceFile(join(stateDir, enrolmentFileName), `${JSON.stringify(record, null, 2)}\n`, 0o600);
  await syncDirectory(stateDir);
}

/** The old content or the new one, whole, whenever the host dies. */
export async function replaceFile(path: string, content: string, mode: number): Promise<void> {
  await writeFile(`${path}.next`, content, { mode, flush: true });
  await rename(`${path}.next`, path);
}

/** The authorities to believe for this enrolment; empty options mean the system's. */
export async function trustOf(stateDir: string, record: EnrolmentRecord): Promise<{ readonly ca?: string[] }> {
  if (record.trust === 'public') return {};
  return { ca: [await readFile(join(stateDir, caFileName), 'utf8')] };
}

async function readIfThere(path: string): Promise<string | null> {
  return readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
}
