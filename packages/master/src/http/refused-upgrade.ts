import { STATUS_CODES, type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';

/** Takes an `upgrade` of the HTTPS server, or leaves it to the next door. */
export interface UpgradeDoor {
  /** False when the path is not this door's. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): boolean;
}

/** The path alone; a query is nobody's business at a door. */
export const upgradePath = (request: IncomingMessage): string => (request.url ?? '').split('?', 1)[0] ?? '';

/** Who was refused has this long to read why and hang up. */
const hangUpWithinMs = 2_000;

/** Answers an upgrade with a status and a sentence, and hangs up: on whoever does not, too. */
export function refuseUpgrade(socket: Duplex, status: 400 | 401 | 403 | 404 | 429 | 503, sentence: string): void {
  const body = `${sentence}\n`;
  socket.on('error', () => socket.destroy());
  // Nobody else reads it any more, and its end is only seen by who does.
  socket.resume();
  const cut = setTimeout(() => socket.destroy(), hangUpWithinMs).unref();
  socket.once('close', () => clearTimeout(cut));
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: ${Buffer.byteLength(body)}\r\n${status === 503 ? 'Retry-After: 3\r\n' : ''}\r\n${body}`,
  );
}
