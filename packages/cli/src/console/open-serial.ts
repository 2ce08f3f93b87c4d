import { consoleHelloSchema, consoleOpenSchema } from '@paravcl/shared/api/connections';
import { NoAnswer } from '@paravcl/shared/client/no-answer';
import { parseJson } from '@paravcl/shared/parse-json';
import { WebSocket } from 'ws';
import type { Context } from '../context';
import { Refusal } from '../errors/refusal';
import { line } from '../output/advice';

/** The master waits for the guest's end for this long, and so do we. */
const openWithinMs = 30_000;

/**
 * Opens the serial console of a machine: a ticket over the session, shown in the first message. Answers the socket at the moment in which it is
 * open: attend it in the same turn, or bytes are lost. Throws Refusal with the master's sentence.
 */
export async function openSerial<T>(context: Context, instanceId: string, name: string, use: (socket: WebSocket) => Promise<T>): Promise<T> {
  const { ticket, path } = await context.call('post /instances/:instanceId/console-tickets', { params: { instanceId }, body: { kind: 'serial' } });
  const { transport } = await context.session();
  const socket = new WebSocket(transport.socketAddress(path), { ...transport.socketOptions(), perMessageDeflate: false, handshakeTimeout: openWithinMs });
  return new Promise((resolve, reject) => {
    const tooLate = setTimeout(() => socket.terminate(), openWithinMs);
    const closed = (code: number, reason: Buffer): void => {
      clearTimeout(tooLate);
      reject(new Refusal(reason.length > 0 ? reason.toString() : `The console of ${name} did not open (the connection ended with ${String(code)}).`, line`paravcl instances show ${{ id: instanceId, name }}`));
    };
    socket.once('close', closed);
    socket.on('error', (cause) => reject(new NoAnswer('unreachable', 0, { cause })));
    socket.once('open', () => socket.send(JSON.stringify(consoleHelloSchema.parse({ ticket }))));
    socket.once('message', (data, isBinary) => {
      clearTimeout(tooLate);
      socket.off('close', closed);
      if (isBinary || !isOpen(data as Buffer)) {
        socket.terminate();
        reject(new NoAnswer('strange'));
      } else resolve(use(socket));
    });
  });
}

function isOpen(message: Buffer): boolean {
  try {
    return consoleOpenSchema.safeParse(parseJson(message.toString('utf8'))).success;
  } catch {
    return false;
  }
}
