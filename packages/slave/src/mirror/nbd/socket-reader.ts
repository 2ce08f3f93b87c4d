import type { Socket } from 'node:net';

/** Takes bytes off a socket in pieces of known length, for the part of a protocol where nothing is fast. */
export class SocketReader {
  private held: Buffer = Buffer.alloc(0);
  private waiting: { readonly length: number; resolve(bytes: Buffer): void; reject(error: Error): void } | null = null;
  private ended = false;
  private readonly onData = (piece: Buffer): void => {
    this.held = this.held.length === 0 ? piece : Buffer.concat([this.held, piece]);
    // A client that talks on without waiting for answers is not read further until it is its turn.
    if (this.held.length > mostHeld) this.socket.pause();
    this.serve();
  };
  private readonly onEnd = (): void => {
    this.ended = true;
    this.waiting?.reject(new Error('The client went away.'));
    this.waiting = null;
  };

  constructor(private readonly socket: Socket) {
    socket.on('data', this.onData).on('end', this.onEnd).on('close', this.onEnd);
  }

  /** Rejects when the connection ends before. One at a time. */
  take(length: number): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      this.waiting = { length, resolve, reject };
      this.serve();
      if (this.waiting !== null && this.ended) this.onEnd();
    });
  }

  /** Reads no more; answers what was not taken. The socket flows on to whoever listens then. */
  stop(): Buffer {
    this.socket.off('data', this.onData).off('end', this.onEnd).off('close', this.onEnd);
    return this.held;
  }

  private serve(): void {
    const { waiting } = this;
    if (waiting === null) return;
    if (this.held.length < waiting.length) {
      this.socket.resume();
      return;
    }
    this.waiting = null;
    const bytes = this.held.subarray(0, waiting.length);
    this.held = this.held.subarray(waiting.length);
    waiting.resolve(bytes);
  }
}

const mostHeld = 128 * 1024;
