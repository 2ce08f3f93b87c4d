/**
 * The baseline of the control bench, a process of its own: a WebSocket server on TLS from the very modules and with
 * the very options the master uses, and nothing behind it. It takes messages and counts them.
 *
 *   node bare-link-server.js PORT DIRECTORY-OF-THE-MASTER'S-CERTIFICATE
 */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import type { IncomingMessage } from 'node:http';
import { maxFrameBytes } from '@paravcl/shared/protocol/version';
import { masterScript } from '../lab/lab-layout';

interface BareSocket {
  on(event: 'message' | 'error' | 'close', listener: () => void): void;
}
interface BareServer {
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer, done: (socket: BareSocket) => void): void;
}
const { WebSocketServer } = createRequire(masterScript)('ws') as { readonly WebSocketServer: new (options: object) => BareServer };

const [port = '', directory = ''] = process.argv.slice(2);
const upgrades = new WebSocketServer({ noServer: true, maxPayload: maxFrameBytes, perMessageDeflate: false, clientTracking: false });
const open = new Set<BareSocket>();
let messages = 0;
const server = createServer({ key: readFileSync(join(directory, 'server.key')), cert: readFileSync(join(directory, 'server.crt')), minVersion: 'TLSv1.2' }, (_request, response) => {
  response.end(String(messages));
});
server.setTimeout(120_000);
server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
  upgrades.handleUpgrade(request, socket, head, (webSocket) => {
    open.add(webSocket);
    webSocket.on('message', () => {
      messages++;
    });
    webSocket.on('error', () => undefined);
    webSocket.on('close', () => void open.delete(webSocket));
  });
});
server.listen({ port: Number(port), host: '127.0.0.1', backlog: 4096 });
// Its connections would keep it alive; none of them holds anything.
process.on('SIGTERM', () => process.exit(0));
