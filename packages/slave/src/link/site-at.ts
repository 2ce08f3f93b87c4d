import type { Clock } from '@paravcl/shared/clock';
import { decodeMasterFrame } from '@paravcl/shared/protocol/envelope';
import { agentLinkPath, maxFrameBytes } from '@paravcl/shared/protocol/version';
import { WebSocket, type RawData } from 'ws';
import { connectionFault } from './connection-fault';

/** The master may be greeting thousands at once; longer than this and it is not coming. */
const greetingDeadlineMs = 30_000;

/**
 * The site of the master at this address, as the challenge of its link tells it. Only what `caPem` signed is believed, or what the public
 * authorities did when it is null. Nothing is sent. Throws an Error whose message says why nobody greets there.
 */
export function siteAt(master: URL, caPem: string | null, clock: Clock): Promise<string> {
  const url = new URL(agentLinkPath, master);
  url.protocol = 'wss:';
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url, { maxPayload: maxFrameBytes, perMessageDeflate: false, followRedirects: false, ...(caPem === null ? {} : { ca: [caPem] }) });
    const noMaster = (what: string): Error => new Error(`${master.host} ${what}: is a ParaVCL master there?`);
    const cancel = clock.after(greetingDeadlineMs, () => fail(noMaster(`did not greet within ${String(greetingDeadlineMs / 1000)} s`)));
    const fail = (error: Error): void => {
      cancel();
      reject(error);
      socket.terminate();
    };
    // What is said after the first answer, the end of a connection that was given up among it, changes nothing.
    socket.on('error', (error) => fail(connectionFault(master, error)));
    socket.on('close', () => fail(noMaster('hung up without a greeting')));
    socket.on('unexpected-response', (_, { statusCode }) => fail(noMaster(`answers with status ${String(statusCode)}`)));
    socket.on('message', (data, isBinary) => {
      const siteId = isBinary ? null : siteOf(data);
      if (siteId === null) return fail(noMaster('greets with something else than a challenge'));
      cancel();
      resolve(siteId);
      socket.terminate();
    });
  });
}

function siteOf(data: RawData): string | null {
  try {
    const frame = decodeMasterFrame((data as Buffer).toString('utf8'));
    return frame.type === 'challenge' ? frame.payload.siteId : null;
  } catch {
    return null;
  }
}
