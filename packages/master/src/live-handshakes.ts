import type { Server } from 'node:https';
import type { Socket } from 'node:net';

export interface ArrivalLimits {
  /** Who has said nothing for so long is cut off, milliseconds. */
  readonly silentMs: number;
  /** Connections of one address that have said nothing yet. */
  readonly silentPerAddress: number;
}

/** A fourth of the port's connections: an address may stand for a whole site behind NAT, and can still not take the port. */
export const arrivalLimits: ArrivalLimits = { silentMs: 20_000, silentPerAddress: 5000 };

/**
 * Begins a TLS handshake only for who is still there. When a fleet dials a busy master, connections wait in the
 * kernel's queue, first come, first served; agents give up after 10 s and dial again, and their old connections stay in
 * that queue with a ClientHello to be answered. Answering it is the dear part of a connection: a master with too
 * little of a core would answer nobody but those who are gone, for ever. Here the first bytes are read and one more look
 * is taken at the connection: one that has ended is dropped for next to nothing.
 *
 * Who connects and says nothing costs no TLS either. Node's own listeners begin the handshake of any socket that they are
 * handed, bytes that were read already included (tls.Server, 'connection').
 */
export function beginLiveHandshakes(server: Server, limits: ArrivalLimits): void {
  const begins = server.listeners('connection') as ((this: Server, socket: Socket) => void)[];
  const silent = new Map<string, number>();
  server.removeAllListeners('connection');
  server.on('connection', (socket: Socket) => {
    const address = socket.remoteAddress ?? '';
    const count = silent.get(address) ?? 0;
    if (address === '' || count >= limits.silentPerAddress) return void socket.destroy();
    silent.set(address, count + 1);
    let isSilent = true;
    const noLongerSilent = (): void => {
      if (!isSilent) return;
      isSilent = false;
      const left = (silent.get(address) ?? 1) - 1;
      if (left === 0) silent.delete(address);
      else silent.set(address, left);
    };
    const cut = (): void => void socket.destroy();
    const begin = (first: Buffer): void => {
      if (socket.destroyed) return;
      socket.off('error', cut).off('end', cut).off('timeout', cut).off('close', noLongerSilent).setTimeout(0);
      socket.unshift(first);
      for (const one of begins) one.call(server, socket);
    };
    const onReadable = (): void => {
      const first = socket.read() as Buffer | null;
      if (first === null) return;
      noLongerSilent();
      socket.off('readable', onReadable);
      // The kernel tells of an end behind these bytes in the next turn of the loop.
      setImmediate(() => setImmediate(() => begin(first)));
    };
    socket.on('error', cut).on('end', cut).on('timeout', cut).on('close', noLongerSilent).on('readable', onReadable).setTimeout(limits.silentMs);
  });
}
