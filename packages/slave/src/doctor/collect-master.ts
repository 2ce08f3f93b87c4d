import { request } from 'node:https';
import type { TLSSocket } from 'node:tls';
import type { Clock } from '@paravcl/shared/clock';
import type { MasterAnswer } from './diagnose-master';

const deadlineMs = 5000;

/** Asks `/healthz`, the one page that needs no login, trusting only the authority in `caPem`, or this machine's when undefined. Never throws. */
export function askMaster(masterUrl: string, caPem: string | undefined, clock: Clock): Promise<MasterAnswer> {
  return new Promise((resolve) => {
    const began = clock.now();
    const asked = request(new URL('/healthz', masterUrl), { ...(caPem === undefined ? {} : { ca: caPem }), method: 'GET', agent: false, timeout: deadlineMs }, (response) => {
      const ended = clock.now();
      const certificate = (response.socket as TLSSocket).getPeerCertificate();
      const date = Date.parse(response.headers.date ?? '');
      response.resume();
      asked.destroy();
      resolve({
        reached: true,
        status: response.statusCode ?? 0,
        certificateEndsAt: Number.isNaN(Date.parse(certificate.valid_to)) ? null : Date.parse(certificate.valid_to),
        // Half a second back: the header has cut off between none and one.
        clockOffsetMs: Number.isNaN(date) ? null : Math.round((began + ended) / 2 - date - 500),
      });
    });
    asked.on('timeout', () => asked.destroy(Object.assign(new Error(`no answer within ${String(deadlineMs / 1000)} s`), { code: 'ETIMEDOUT' })));
    asked.on('error', (error: NodeJS.ErrnoException) => resolve({ reached: false, code: error.code ?? 'unknown', message: error.message.replace(/\.$/, '') }));
    asked.end();
  });
}
