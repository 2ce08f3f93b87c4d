import type { WebSocket } from 'ws';
import type { World } from '../world';
import { HeldTerminal } from './held-terminal';
import { typedUntilLeft } from './leave-key';

/** Why a session at a serial console ended. */
export type SerialEnd = { readonly by: 'person' } | { readonly by: 'end-of-input' } | { readonly by: 'signal' } | { readonly by: 'master'; readonly code: number; readonly reason: string };

/** A terminal that does not take what comes for so long as this many bytes wait: then no more is read from the master. */
const mostWaitingBytes = 256 * 1024;
/** Without an answer to a ping for this long the link is lost. */
const silentMs = 20_000;
/** What is typed into a pipe is answered after its end, so it stays open for a moment then. */
const lingerMs = 1_500;

/**
 * Joins the terminal to a serial console whose socket is open: what the guest prints goes to standard output, what is typed to the guest, until
 * Ctrl-] is typed, the input ends, a signal comes or the connection ends. The terminal is as it was afterwards.
 */
export function attend(socket: WebSocket, { stdin, stdout }: Pick<World, 'stdin' | 'stdout'>): Promise<SerialEnd> {
  const terminal = stdin.isTTY === true ? new HeldTerminal(stdin, stdout) : null;
  return new Promise((resolve) => {
    let over = false;
    let answered = true;
    const pings = setInterval(() => {
      if (!answered) return socket.terminate();
      answered = false;
      socket.ping();
    }, silentMs / 2);
    const end = (why: SerialEnd): void => {
      if (over) return;
      over = true;
      clearInterval(pings);
      stdin.off('data', type);
      stdin.off('end', ended);
      stdin.pause();
      for (const signal of signals) process.off(signal, signalled);
      terminal?.restore();
      if (why.by !== 'master') socket.close(1000);
      resolve(why);
    };
    const type = (typed: Buffer): void => {
      const { forGuest, left } = typedUntilLeft(typed);
      if (forGuest.length > 0) socket.send(forGuest);
      if (left) end({ by: 'person' });
    };
    const ended = (): void => void setTimeout(() => end({ by: 'end-of-input' }), lingerMs);
    const signalled = (): void => end({ by: 'signal' });
    socket.on('message', (data, isBinary) => {
      if (!isBinary || over) return;
      stdout.write(data as Buffer, () => {
        if (socket.isPaused && stdout.writableLength < mostWaitingBytes) socket.resume();
      });
      if (stdout.writableLength > mostWaitingBytes) socket.pause();
    });
    socket.on('pong', () => (answered = true));
    socket.on('close', (code, reason) => end({ by: 'master', code, reason: reason.toString() }));
    socket.on('error', () => undefined);
    for (const signal of signals) process.on(signal, signalled);
    stdin.on('data', type);
    stdin.on('end', ended);
    stdin.resume();
  });
}

const signals = ['SIGTERM', 'SIGHUP', 'SIGINT'] as const;
