import { join } from 'node:path';
import type { Clock } from '@paravcl/shared/clock';
import { findPinnedCertificate } from './certificate-pin';
import { masterAddress } from './enrol';
import { caFileName, readEnrolment, replaceFile, trustOf, writeEnrolment, type EnrolmentRecord } from './enrolment-record';
import { siteAt } from './site-at';

export interface FollowOptions {
  readonly stateDir: string;
  readonly masterUrl: string;
  /** SHA-256 of the authority that vouches for the master there (DER, base64url); null: the public ones do; undefined: those of before. */
  readonly caFingerprint: string | null | undefined;
  readonly clock: Clock;
}

/**
 * The master that this host is enrolled at has another address: writes it down, once a master of the same site greets there, believed by the
 * authority it is to be believed by. Key, id and what the agent remembers stay. Agent and mirror go on by the address of before until they
 * are started anew. Throws an Error whose message says what to do; nothing has changed then.
 */
export async function follow({ stateDir, masterUrl, caFingerprint, clock }: FollowOptions): Promise<EnrolmentRecord> {
  const master = masterAddress(masterUrl);
  const enrolled = await readEnrolment(stateDir);
  if (enrolled === null) throw new Error('This host is enrolled nowhere: there is no master to follow. Enrol it: paravcl-slave enrol --master https://MASTER');
  const before = (await trustOf(stateDir, enrolled)).ca?.[0] ?? null;
  const caPem = caFingerprint === undefined ? before : caFingerprint === null ? null : await findPinnedCertificate(master, caFingerprint, notThatMaster);
  if ((await siteAt(master, caPem, clock)) !== enrolled.siteId) throw new Error(`${master.host} is another master than the one this host is enrolled at (${enrolled.masterUrl}): it is of another site. Nothing was changed. Check the address; to give that enrolment up: paravcl-slave enrol --master ${master.origin} --again`);
  if (caPem !== null) await replaceFile(join(stateDir, caFileName), caPem, 0o644);
  const record: EnrolmentRecord = { ...enrolled, masterUrl: master.origin, trust: caPem === null ? 'public' : 'pinned' };
  await writeEnrolment(stateDir, record);
  return record;
}

const notThatMaster = (master: URL, count: number): string =>
  `${master.host} is not the master that was named: none of its ${count} certificates has that fingerprint. Nothing was changed. Check the address, and the fingerprint that the master has.`;
