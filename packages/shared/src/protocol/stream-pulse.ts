import type { Cancel, Clock } from '../clock';

/** Both ends of a stream ping, so that each hears of the other while its own bytes are not taken there. */
export const streamPulse = { everyMs: 15_000, deadMs: 45_000 } as const;

/** What is needed of a WebSocket. */
export interface PulsingSocket {
  /** It is not read: who is behind it takes no more at this moment. */
  readonly isPaused: boolean;
  ping(): void;
  terminate(): void;
  on(event: string, listener: () => void): unknown;
}

/** Ends the connection when nothing was heard on it for `deadMs`, though it was read. */
export function keepPulse(socket: PulsingSocket, clock: Clock): void {
  let [heardMs, cancel]: [number, Cancel] = [clock.monotonicMs(), () => undefined];
  const hear = (): void => void (heardMs = clock.monotonicMs());
  const beat = (): void => {
    if (socket.isPaused) hear();
    if (clock.monotonicMs() - heardMs >= streamPulse.deadMs) return socket.terminate();
    socket.ping();
    cancel = clock.after(streamPulse.everyMs, beat);
  };
  for (const event of ['message', 'ping', 'pong']) socket.on(event, hear);
  socket.on('close', () => cancel());
  cancel = clock.after(streamPulse.everyMs, beat);
}
