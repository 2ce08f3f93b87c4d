import type { Clock } from '@paravcl/shared/clock';
import { parseJson } from '@paravcl/shared/parse-json';
import { keepPulse } from '@paravcl/shared/protocol/stream-pulse';
import { streamOpenSchema, type StreamHello } from '@paravcl/shared/protocol/streams';
import { agentStreamPath, maxFrameBytes } from '@paravcl/shared/protocol/version';
import type { Duplex } from 'node:stream';
import { createWebSocketStream, WebSocket, type ClientOptions, type RawData } from 'ws';

export interface StreamDialParts {
  readonly clock: Clock;
  readonly masterUrl: string;
  /** The only authorities to believe; absent: the system's. */
  readonly ca?: readonly string[];
}

/** The master waits 10 s for the other end. */
const openWithinMs = 20_000;
/** Bytes that wait in each direction at most. */
const waitingBytes = 256 * 1024;
/** What was said before the end may still be on its way to one who reads slowly. */
const closeWithinMs = 120_000;

/**
 * Dials the master for a stream. Resolves once the other end is there; what is written from then on arrives there in order, no
 * faster than it is read; one write has at most 1 MiB. Ending or destroying either end ends the other, after what was written before an `end()` has arrived.
 * Throws an Error with the master's sentence when it does not open, and the signal's reason; an open stream is destroyed by the signal too.
 */
export async function dialStream(parts: StreamDialParts, hello: StreamHello, signal?: AbortSignal): Promise<Duplex> {
  signal?.throwIfAborted();
  const url = new URL(agentStreamPath, parts.masterUrl);
  url.protocol = 'wss:';
  const options: ClientOptions & { readonly closeTimeout: number } = {
    maxPayload: maxFrameBytes,
    perMessageDeflate: false,
    followRedirects: false,
    handshakeTimeout: 10_000,
    closeTimeout: closeWithinMs,
    // A mask keeps bytes that a web page chose from fooling what lies between (RFC 6455 10.3). Here is no page, and TLS leaves nothing between; both ends are spared a pass over every byte.
    generateMask: (mask) => mask.fill(0),
    ...(parts.ca === undefined ? {} : { ca: [...parts.ca] }),
  };
  const socket = new WebSocket(url, options);
  return new Promise((resolve, reject) => {
    const giveUp = (why: unknown): void => {
      cancel();
      reject(why instanceof Error ? why : new Error(String(why)));
      socket.terminate();
    };
    const cancel = parts.clock.after(openWithinMs, () => giveUp(new Error(`The master did not open the stream within ${openWithinMs / 1000} s.`)));
    const abort = (): void => giveUp(signal?.reason);
    signal?.addEventListener('abort', abort, { once: true });
    socket.on('open', () => {
      keepPulse(socket, parts.clock);
      socket.send(JSON.stringify(hello));
    });
    socket.on('error', (error) => giveUp(new Error(`The stream to the master failed: ${error.message}`, { cause: error })));
    socket.on('close', (code, reason) => {
      signal?.removeEventListener('abort', abort);
      giveUp(new Error(`The master did not open the stream: ${reason.length > 0 ? reason.toString('utf8') : `it hung up (${code})`}`));
    });
    socket.once('message', (data, isBinary) => {
      if (isBinary || !saysOpen(data)) return giveUp(new Error('The master answered with something else than that the stream is open.'));
      cancel();
      // In this turn: the first bytes may come with the answer.
      const stream = createWebSocketStream(socket, { highWaterMark: waitingBytes });
      // Whoever reads it sees that it has closed.
      stream.on('error', () => undefined);
      resolve(stream);
    });
  });
}

function saysOpen(data: RawData): boolean {
  try {
    return streamOpenSchema.safeParse(parseJson((data as Buffer).toString('utf8'))).success;
  } catch {
    return false;
  }
}
