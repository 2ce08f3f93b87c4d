import type { Problem } from '@paravcl/shared/api/problem';
import { ApiProblem } from '@paravcl/shared/client/api-problem';
import { NoAnswer } from '@paravcl/shared/client/no-answer';
import { CommanderError } from 'commander';
import { line } from '../output/advice';
import { version } from '../version';
import { Refusal, type FailureExit } from './refusal';

/** What is written about an error: with `--json` as it is. */
export interface SaidError {
  readonly exitCode: FailureExit;
  readonly error: Partial<Problem> & { readonly detail: string; readonly try: string | null };
}

export interface Circumstances {
  /** Address of the master that was asked; null when none was. */
  readonly origin: string | null;
  /** The token came from PARAVCL_TOKEN. */
  readonly byEnvironment: boolean;
  /** `paravcl instances`: the words of the command, as far as its noun. */
  readonly noun: string | null;
  /** The command that lists what it is about; null when nothing does. */
  readonly list: string | null;
  /** `instances launch`: all words of the command; null when it is none of ours. */
  readonly command: string | null;
}

/** An error as a sentence with the next command to try. */
export function sayError(error: unknown, circumstances: Circumstances): SaidError {
  if (error instanceof Refusal) return { exitCode: error.exitCode, error: { detail: error.message, try: error.tryThis ?? (error.exitCode === 2 ? helpOf(circumstances.command ?? circumstances.noun) : null) } };
  if (error instanceof CommanderError) return { exitCode: 2, error: { detail: error.message.replace(/^error: /, ''), try: helpOf(circumstances.command ?? circumstances.noun) } };
  if (error instanceof ApiProblem) return { exitCode: 1, error: { ...error.problem, try: nextAfter(error, circumstances) } };
  if (error instanceof NoAnswer) return { exitCode: 1, error: noAnswer(error, circumstances) };
  // What an answer has not got that every master's has.
  if (circumstances.origin !== null && (error instanceof TypeError || error instanceof RangeError)) return { exitCode: 1, error: { detail: `What answers at ${circumstances.origin} is not a master that this program understands (it is of version ${version}; see that the master is too).`, try: 'paravcl doctor' } };
  return { exitCode: 1, error: { detail: error instanceof Error ? error.message : String(error), try: null } };
}

/** Of a command, by its words. */
const helpOf = (command: string | null): string => ['paravcl', ...(command === null ? [] : [command]), '--help'].join(' ');

function nextAfter({ problem }: ApiProblem, { origin, byEnvironment, list, command }: Circumstances): string | null {
  const at = origin ?? 'URL';
  switch (problem.code) {
    case 'unauthenticated':
      return byEnvironment ? 'make a new token with `paravcl tokens create NAME` and put it into PARAVCL_TOKEN' : line`paravcl login ${at}`;
    case 'wrong-credentials':
      return line`paravcl login ${at}`;
    case 'not-found':
      return list;
    case 'forbidden':
      return 'paravcl whoami';
    case 'invalid-input':
      return command === null ? null : helpOf(command);
    case 'quota-exceeded':
      return 'paravcl usage';
    case 'reservation-refused':
      return problem.decisionId === undefined ? 'paravcl capacity' : line`paravcl why ${problem.decisionId}`;
    case 'participation-required':
      return 'paravcl slaves token';
    default:
      return problem.dependents?.[0] === undefined ? null : line`paravcl ${`${problem.dependents[0].type}s`} show ${problem.dependents[0]}`;
  }
}

/** Codes of node's TLS (OpenSSL's X509_V_ERR_…) for a certificate that the pinned CA did not sign. */
const anotherCa = new Set(['SELF_SIGNED_CERT_IN_CHAIN', 'DEPTH_ZERO_SELF_SIGNED_CERT', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'UNABLE_TO_GET_ISSUER_CERT', 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'CERT_SIGNATURE_FAILURE', 'CERT_UNTRUSTED', 'INVALID_CA']);

function noAnswer(error: NoAnswer, { origin }: Circumstances): SaidError['error'] {
  const at = origin ?? 'the master';
  const withStatus = error.status === 0 ? {} : { status: error.status };
  if (error.reason !== 'unreachable') return { ...withStatus, detail: `What answers at ${at} is not a ParaVCL master${error.status === 0 ? '' : ` (status ${String(error.status)})`}: a proxy or a network's login page may be in between.`, try: line`curl -k ${`${at}/api/v1/site`}` };
  const { code, message } = causeOf(error);
  if (anotherCa.has(code)) {
    return {
      detail: `The certificate of ${at} is not signed by the CA that you trusted when you logged in (${code}). Somebody may stand between you and the master; nothing was sent. If its operators say that they set it up anew, trust it again.`,
      try: line`paravcl login ${at} --trust-anew`,
    };
  }
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') return { detail: `The certificate of ${at} is for another name: ${message}`, try: 'log in with a name that stands in the certificate' };
  if (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID') return { detail: `The certificate of ${at} is ${code === 'CERT_HAS_EXPIRED' ? 'over' : 'not valid yet'}. Tell its operators; look at your own clock too.`, try: 'date' };
  return { detail: `${at} does not answer${code === '' ? '' : ` (${code})`}${code === 'ECONNREFUSED' ? ': nothing listens there' : code === 'ENOTFOUND' ? ': there is no host of this name' : ''}.`, try: line`curl -k ${`${at}/api/v1/site`}` };
}

function causeOf(error: Error): { readonly code: string; readonly message: string } {
  for (let one: unknown = error.cause; one instanceof Error; one = one.cause) {
    const code = (one as NodeJS.ErrnoException).code;
    if (typeof code === 'string') return { code, message: one.message };
    if (one.name === 'TimeoutError') return { code: 'no answer in time', message: one.message };
    if (one instanceof AggregateError && one.errors[0] instanceof Error) return { code: String((one.errors[0] as NodeJS.ErrnoException).code ?? ''), message: one.errors[0].message };
  }
  return { code: '', message: '' };
}
