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

export interface Followed extends EnrolmentRecord {
  /** False: address and authority were those already, and nothing was written. */
  readonly isNew: boolean;
}

/**
 * The master that this host is enrolled at has another address, or is vouched for by another authority: writes it down, once a master of the
 * same site greets there, believed by the authority it is to be believed by. Key, id and what the agent remembers stay. Agent and mirror go on
 * by the address of before until they are started anew. Throws an Error whose message says what to do; nothing has changed then.
 */
export async function follow({ stateDir, masterUrl, caFingerprint, clock }: FollowOptions): Promise<Followed> {
  const master = masterAddress(masterUrl);
  const enrolled = await readEnrolment(stateDir);
  if (enrolled === null) throw new Error('This host is enrolled nowhere: there is no master to follow. Enrol it: paravcl-slave enrol --master https://MASTER');
  const before = await authorityOf(stateDir, enrolled);
  if (caFingerprint === undefined && before === undefined) throw new Error(`${join(stateDir, caFileName)} is not there, so nobody is known who vouches for ${master.host}. Nothing was changed. Name who does: ${nameIt(master)}`);
  const caPem = caFingerprint === undefined ? (before ?? null) : caFingerprint === null ? null : await findPinnedCertificate(master, caFingerprint, notThatMaster);
  const siteId = await siteAt(master, caPem, clock).catch((error: Error) => {
    if (caFingerprint !== undefined || !isOfAuthority(error)) throw error;
    throw new Error(`${error.message}. The authority of before does not vouch for it. Nothing was changed. If another one does now and it is that master: ${nameIt(master)}`, { cause: error });
  });
  if (siteId !== enrolled.siteId) throw new Error(`${master.host} is another master than the one this host is enrolled at (${enrolled.masterUrl}): it is of another site. Nothing was changed. Check the address; to give that enrolment up: paravcl-slave enrol --master ${master.origin} --again`);
  const record: EnrolmentRecord = { ...enrolled, masterUrl: master.origin, trust: caPem === null ? 'public' : 'pinned' };
  const hasAuthority = caPem === before;
  if (hasAuthority && record.masterUrl === enrolled.masterUrl) return { ...record, isNew: false };
  if (caPem !== null && !hasAuthority) await replaceFile(join(stateDir, caFileName), caPem, 0o644);
  await writeEnrolment(stateDir, record);
  return { ...record, isNew: true };
}

/** The one that is believed now; null: the public ones are; undefined: its file is gone. */
async function authorityOf(stateDir: string, enrolled: EnrolmentRecord): Promise<string | null | undefined> {
  const { ca } = await trustOf(stateDir, enrolled).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return { ca: [] };
    throw error;
  });
  return ca === undefined ? null : ca[0];
}

/** Whether nobody who is believed signed the certificate, which is all that may be wrong with it. */
const isOfAuthority = ({ cause }: Error): boolean => /ISSUER|SIGNATURE|SELF_SIGNED|UNTRUSTED/.test((cause as NodeJS.ErrnoException | undefined)?.code ?? '');

const nameIt = (master: URL): string => `paravcl-slave follow --master ${master.origin} --ca-fingerprint FINGERPRINT (what join tokens end with; -: a public one).`;

const notThatMaster = (master: URL, count: number): string =>
  `${master.host} is not the master that was named: none of its ${count} certificates has that fingerprint. Nothing was changed. Check the address, and the fingerprint that the master has.`;
