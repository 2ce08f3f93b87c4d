import type { Clock } from '@paravcl/shared/clock';
import { keepPulse } from '@paravcl/shared/protocol/stream-pulse';
import type { Duplex } from 'node:stream';
import { createWebSocketStream, type RawData, type WebSocket } from 'ws';
import { closeCodes } from './frame-socket';

/** Beside those of a link (RFC 6455 7.4.1, and the registry of it): it may go better another time. */
export const streamCloseCodes = { ...closeCodes, ended: 1000, tryAgain: 1013 } as const;

/** After a close frame the other end has this long to answer before the socket is cut. */
const closeGraceMs = 2_000;
/** Bytes that wait in each direction at most, but for the message that goes above it. */
const waitingBytes = 256 * 1024;

/** The WebSocket of one who dialled for a stream: it shows its ticket, waits for its other end, and then it is bytes. */
export class StreamSocket {
  private isHungUp = false;
  private isOpen = false;

  constructor(
    private readonly socket: WebSocket,
    private readonly clock: Clock,
  ) {
    keepPulse(socket, clock);
    // What is wrong with it is seen by its end.
    socket.on('error', () => undefined);
  }

  /** Hands over the first message. Until `open` a second one ends it. */
  hear(hello: (data: RawData, isBinary: boolean) => void): void {
    let heard = false;
    this.socket.on('message', (data, isBinary) => {
      if (this.isHungUp) return;
      if (!heard) {
        heard = true;
        hello(data, isBinary);
      } else if (!this.isOpen) this.hangUp(closeCodes.policy, 'Nothing is sent before the stream is open.');
      else if (!isBinary) this.hangUp(closeCodes.unsupportedData, 'A stream is binary messages.');
    });
  }

  /** It was hung up, or has gone by itself. */
  get isGone(): boolean {
    return this.isHungUp || this.socket.readyState !== this.socket.OPEN;
  }

  /**
   * Tells it that the other end is there; from here on its bytes are those of the answer, which ends with it. A message is what
   * was written at once: at most 1 MiB. A browser is told more than that, and why it ended after an `end()` of the answer.
   */
  open(toBrowser?: { readonly answer: string; readonly code: number; readonly sentence: string }): Duplex {
    this.isOpen = true;
    const stream = createWebSocketStream(this.socket, { highWaterMark: waitingBytes });
    if (toBrowser !== undefined) {
      stream._final = (done) => {
        this.socket.once('close', () => done());
        this.hangUp(toBrowser.code, toBrowser.sentence);
      };
    }
    // Whoever reads it sees that it has closed.
    stream.on('error', () => undefined);
    this.socket.send(toBrowser?.answer ?? '{"open":true}');
    return stream;
  }

  /** Ends it with a sentence; what it was not sent yet is lost. */
  hangUp(code: number, sentence: string): void {
    if (this.isHungUp) return;
    this.isHungUp = true;
    this.socket.close(code, closeReason(sentence));
    // Read on, whoever has paused it: else its answer is not seen.
    if (this.socket.isPaused) this.socket.resume();
    const cancel = this.clock.after(closeGraceMs, () => this.socket.terminate());
    this.socket.once('close', cancel);
  }
}

/** A close frame has room for 123 bytes (RFC 6455 5.5). */
export function closeReason(sentence: string): string {
  return Buffer.from(sentence).subarray(0, 123).toString('utf8').replace(/\ufffd+$/, '');
}
