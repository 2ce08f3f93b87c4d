import type { Cancel, Clock } from '@paravcl/shared/clock';
import { Duplex } from 'node:stream';
import type { ServerChannel } from 'ssh2';
import type { SocketRoom } from './socket-room';

/** After a client has said its last word the guest may be silent for so long. */
const lastWordMs = 10_000;

/**
 * A forwarded channel as a stream. Streams to slaves have no half-closed state, so the client's end of writing is passed on once the
 * guest has been silent for a while: who sends a request and closes gets the answer, and who has gone does not hold the guest.
 */
export class ChannelStream extends Duplex {
  /** Bytes of the client, and of the guest. */
  received = 0;
  sent = 0;
  private cancel: Cancel | null = null;

  constructor(
    private readonly channel: ServerChannel,
    private readonly room: SocketRoom,
    private readonly clock: Clock,
  ) {
    super();
    channel.on('data', (bytes: Buffer) => {
      this.received += bytes.length;
      if (!this.push(bytes)) channel.pause();
    });
    channel.on('end', () => this.awaitSilence());
    channel.on('close', () => this.destroy());
    channel.on('error', (error: Error) => this.destroy(error));
  }

  override _read(): void {
    this.channel.resume();
  }

  override _write(bytes: Buffer, _: BufferEncoding, done: (error?: Error | null) => void): void {
    this.room.wait(() => {
      if (this.destroyed) {
        done();
        return;
      }
      this.sent += bytes.length;
      if (this.cancel !== null) this.awaitSilence();
      this.channel.write(bytes, done);
    });
  }

  override _final(done: () => void): void {
    this.channel.end();
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.cancel?.();
    // Ends and closes it; it has no `close` of its own to wait for.
    this.channel.destroy();
    done(error);
  }

  private awaitSilence(): void {
    this.cancel?.();
    this.cancel = this.clock.after(lastWordMs, () => this.push(null));
  }
}
