import type { Socket } from 'node:net';

/** What waits in a socket for a slow client, at most, before more of the guests is read. */
const fullBytes = 1024 * 1024;

/**
 * Holds back whoever writes to a client's connection while that has not taken what was written: the window of a channel is for the
 * client to choose, and one that never reads would have us keep all of it.
 */
export class SocketRoom {
  private readonly waiting: (() => void)[] = [];

  constructor(private readonly socket: Socket) {
    const goOn = (): void => {
      for (const next of this.waiting.splice(0)) next();
    };
    socket.on('drain', goOn).on('close', goOn);
  }

  /** Calls back now or when there is room; also when the connection is gone. */
  wait(then: () => void): void {
    if (this.socket.destroyed || this.socket.writableLength < fullBytes) then();
    else this.waiting.push(then);
  }
}
