import { lookup } from 'node:dns/promises';
import { connect, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { line } from '../output/advice';
import type { Access } from '../session/access';
import { fault, ok, warning, type Finding } from '@paravcl/shared/finding';

const withinMs = 10_000;
const dayMs = 24 * 60 * 60_000;
/** The master makes itself a new certificate well before this. */
const soonDays = 14;

export const hostOf = (origin: string): string => new URL(origin).hostname.replace(/^\[|\]$/g, '');
export const portOf = (origin: string): number => Number(new URL(origin).port || 443);

/** The name of the master leads somewhere. */
export async function lookAtName(origin: string): Promise<Finding> {
  const host = hostOf(origin);
  if (isIP(host) !== 0) return ok('dns', `${host} is an address; no name has to be looked up.`);
  try {
    const found = await lookup(host, { all: true });
    return ok('dns', `${host} is ${found.map(({ address }) => address).join(', ')}.`);
  } catch (error) {
    return fault('dns', `There is no address of ${host} (${codeOf(error)}): the name is mistyped, or the name server of this machine does not answer.`, line`getent hosts ${host}`);
  }
}

/** Something listens at a port; `says`: it begins to speak with this. */
export function lookAtPort(check: string, host: string, port: number, what: string, says: string | null, mend: string): Promise<Finding> {
  const at = `${host}:${String(port)}`;
  return new Promise((resolve) => {
    const socket: Socket = connect({ host, port });
    const end = (finding: Finding): void => {
      resolve(finding);
      socket.destroy();
    };
    socket.setTimeout(withinMs, () => end(fault(check, `${what} at ${at} does not answer within ${String(withinMs / 1000)} s: a firewall in between, or the machine is off.`, mend)));
    if (says === null) socket.once('connect', () => end(ok(check, `${what} at ${at} can be reached.`)));
    else socket.once('data', (data) => end(data.toString('latin1').startsWith(says) ? ok(check, `${what} at ${at} answers.`) : fault(check, `What answers at ${at} is not ${what}.`, mend)));
    socket.once('error', (error) => end(fault(check, `${what} at ${at} cannot be reached (${codeOf(error)}).`, mend)));
    socket.once('close', () => end(fault(check, `${what} at ${at} hung up without a word.`, mend)));
  });
}

/** The master's certificate: of the CA that is trusted, for this name, and not soon over. */
export function lookAtCertificate({ origin, caPem }: Pick<Access, 'origin' | 'caPem'>, now: number): Promise<Finding> {
  const host = hostOf(origin);
  return new Promise((resolve) => {
    const socket = connectTls({ host, port: portOf(origin), ...(isIP(host) === 0 ? { servername: host } : {}), ...(caPem === null ? {} : { ca: caPem }) });
    const end = (finding: Finding): void => {
      resolve(finding);
      socket.destroy();
    };
    socket.setTimeout(withinMs, () => end(fault('tls', `${origin} does not answer with a certificate within ${String(withinMs / 1000)} s.`, null)));
    socket.on('error', (error) => end(certificateFault(origin, codeOf(error), error.message)));
    socket.once('secureConnect', () => {
      const days = Math.floor((Date.parse(socket.getPeerCertificate().valid_to) - now) / dayMs);
      const whose = caPem === null ? 'a CA that this machine trusts' : 'the CA that you trusted when you logged in';
      if (days < soonDays) end(warning('tls', `The certificate of ${origin} is signed by ${whose} and is over in ${String(days)} days: its master should have renewed it. Tell its operators.`, null));
      else end(ok('tls', `The certificate of ${origin} is signed by ${whose} and holds for ${String(days)} days.`));
    });
  });
}

function certificateFault(origin: string, code: string, message: string): Finding {
  if (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID') return fault('tls', `The certificate of ${origin} is ${code === 'CERT_HAS_EXPIRED' ? 'over' : 'not valid yet'}, or the clock of this machine is wrong.`, 'date');
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') return fault('tls', `The certificate of ${origin} is for another name: ${message}`, 'paravcl login https://NAME-IN-THE-CERTIFICATE:PORT');
  if (/CERT|ISSUER|SIGNATURE/.test(code)) return fault('tls', `The certificate of ${origin} is not of the CA that you trusted (${code}): the master was set up anew, or somebody is in between. Ask its operators before you trust it again.`, line`paravcl login ${origin} --trust-anew`);
  return fault('tls', `${origin} speaks no TLS, or broke it off (${code === '' ? message : code}).`, null);
}

const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? '';
