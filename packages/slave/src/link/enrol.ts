import { mkdir, rm } from 'node:fs/promises';
import { request } from 'node:https';
import { join } from 'node:path';
import { parseJoinToken } from '@paravcl/shared/domain/join-token-text';
import type { Describe } from '@paravcl/shared/domain/slave';
import { parseJson } from '@paravcl/shared/parse-json';
import { enrolmentAnswerSchema, type EnrolmentAnswer, type EnrolmentRequest } from '@paravcl/shared/protocol/agent-to-master';
import { agentEnrolPath } from '@paravcl/shared/protocol/version';
import { z } from 'zod';
import { findPinnedCertificate } from './certificate-pin';
import { caFileName, enrolmentFileName, readEnrolment, replaceFile, writeEnrolment } from './enrolment-record';
import { connectionFault } from './connection-fault';
import { adoptAgentKey, dropNewAgentKey, newAgentKey } from './identity';

export interface EnrolOptions {
  readonly stateDir: string;
  /** Files and directories in which an earlier enrolment's agent remembers its work; removed once there is a new one. */
  readonly memories: readonly string[];
  readonly masterUrl: string;
  readonly token: string;
  readonly name: string;
  readonly machineId: string;
  readonly macs: readonly string[];
  readonly describe: Describe;
  /** Enrol anew although this host is enrolled: key, memories and record are made afresh, and kept until the new ones are there. */
  readonly again: boolean;
}

const answerDeadlineMs = 30_000;
const largestAnswerBytes = 64 * 1024;

/**
 * Makes this host a slave of the master: pins the master's certificate by the fingerprint in the token,
 * makes a key, tells who it is, keeps the answer. Until the answer is there nothing of an earlier enrolment
 * is touched and nothing new counts, so it can be repeated after any failure. Throws an Error whose message
 * says what to do.
 */
export async function enrol(options: EnrolOptions): Promise<EnrolmentAnswer> {
  const { stateDir } = options;
  if (options.token.trim() === '') throw new Error('The join token is empty. It looks like pvj1.….…, in one piece; ask an operator of the lab for one.');
  const token = parseJoinToken(options.token);
  if (token === null) throw new Error('This is not a join token: it looks like pvj1.….…, in one piece. Ask an operator of the lab for a new one.');
  if (options.name.trim() === '' || options.name.length > 100) throw new Error('A host needs a name of 1 to 100 characters: give it with --name.');
  const master = masterAddress(options.masterUrl);
  // The pool lives in it by default, and QEMU’s user has to pass; what is private in it is 0600.
  await mkdir(stateDir, { recursive: true, mode: 0o711 });
  const enrolled = await readEnrolment(stateDir);
  if (enrolled !== null && !options.again) {
    throw new Error(`This host is already enrolled at ${enrolled.masterUrl} as "${enrolled.name}". Add --again to give that up and enrol anew.`);
  }

  const caPem = token.caFingerprint === null ? null : await findPinnedCertificate(master, token.caFingerprint);
  const key = await newAgentKey(stateDir);
  const answer = await post(master, caPem, {
    token: options.token.trim(),
    name: options.name,
    publicKey: key.publicKey,
    machineId: options.machineId,
    macs: [...options.macs],
    describe: options.describe,
  }).catch(async (error: unknown) => {
    if (!(error instanceof MasterRefused) || error.field !== 'publicKey') throw error;
    // An attempt before this one was answered and the answer lost; its key would be refused for ever.
    await dropNewAgentKey(stateDir);
    throw new Error(`${error.message} The key of that attempt was dropped here; once that host is retired, run this again.`, { cause: error });
  });
  // From here until the new record stands this host is not enrolled: never half as one and half as the other.
  await rm(join(stateDir, enrolmentFileName), { force: true });
  // What an earlier site desired, and what was told it, is not this one's.
  for (const path of options.memories) await rm(path, { recursive: true, force: true });
  if (caPem !== null) await replaceFile(join(stateDir, caFileName), caPem, 0o644);
  await adoptAgentKey(stateDir);
  await writeEnrolment(stateDir, {
    masterUrl: master.origin,
    slaveId: answer.slaveId,
    siteId: answer.siteId,
    name: options.name,
    trust: caPem === null ? 'public' : 'pinned',
  });
  return answer;
}

/** Throws for anything but an https address. */
export function masterAddress(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url?.protocol !== 'https:') throw new Error(`"${text}" is not the address of a master: it begins with https://, as in https://master.example:8443.`);
  return url;
}

function post(master: URL, caPem: string | null, body: EnrolmentRequest): Promise<EnrolmentAnswer> {
  return new Promise((resolve, reject) => {
    const text = JSON.stringify(body);
    const call = request(
      new URL(agentEnrolPath, master),
      {
        method: 'POST',
        headers: { 'content-type': 'application/json', accept: 'application/json', 'content-length': Buffer.byteLength(text) },
        timeout: answerDeadlineMs,
        agent: false,
        ...(caPem === null ? {} : { ca: [caPem] }),
      },
      (response) => {
        const parts: Buffer[] = [];
        let size = 0;
        response.on('data', (part: Buffer) => {
          size += part.length;
          if (size > largestAnswerBytes) response.destroy(new Error(`${master.host} answered with more than ${largestAnswerBytes} bytes.`));
          else parts.push(part);
        });
        response.on('error', reject);
        response.on('end', () => {
          try {
            resolve(readAnswer(master, response.statusCode ?? 0, Buffer.concat(parts).toString('utf8')));
          } catch (error) {
            reject(error as Error);
          }
        });
      },
    );
    call.on('timeout', () => call.destroy(new Error(`${master.host} did not answer within ${answerDeadlineMs / 1000} s.`)));
    call.on('error', (error: NodeJS.ErrnoException) => reject(connectionFault(master, error)));
    call.end(text);
  });
}

/** The master's own refusal, with the field at fault when it names one. */
class MasterRefused extends Error {
  override readonly name = 'MasterRefused';
  constructor(
    said: string,
    readonly field: string | undefined,
  ) {
    super(`The master refused: ${said}`);
  }
}

function readAnswer(master: URL, status: number, text: string): EnrolmentAnswer {
  let body: unknown = null;
  try {
    body = parseJson(text);
  } catch {
    // Said below, by the status.
  }
  if (status >= 200 && status < 300) {
    const answer = enrolmentAnswerSchema.safeParse(body);
    if (answer.success) return answer.data;
    throw new Error(`${master.host} answered the enrolment with something else than the id of a host: is a ParaVCL master there?`);
  }
  const problem = z.object({ detail: z.string().optional(), title: z.string().optional(), field: z.string().optional() }).safeParse(body);
  const said = problem.success ? (problem.data.detail ?? problem.data.title) : undefined;
  if (said === undefined) throw new Error(`${master.host} refused the enrolment with status ${status}: is a ParaVCL master there?`);
  throw new MasterRefused(said, problem.data?.field);
}
