import type { Cancel, Clock, EpochMs } from '@paravcl/shared/clock';
import { ParavclError } from '@paravcl/shared/errors';
import { newId } from '@paravcl/shared/ids';
import type { AgentFrame } from '@paravcl/shared/protocol/agent-to-master';
import { decodeAgentFrame, encodeFrame } from '@paravcl/shared/protocol/envelope';
import type { MasterFrame } from '@paravcl/shared/protocol/master-to-agent';
import { protocolVersion } from '@paravcl/shared/protocol/version';
import type { RawData, WebSocket } from 'ws';
import type { LinkLimits } from './link-settings';

/** Close codes of RFC 6455 7.4.1. */
export const closeCodes = { goingAway: 1001, unsupportedData: 1003, policy: 1008, internal: 1011 } as const;

/** After a close frame the other end has this long to answer before the socket is cut. */
const closeGraceMs = 2_000;

/** A message, and when it came by the wall clock: behind slow work it may be handled much later. */
interface Arrived {
  readonly data: RawData;
  readonly at: EpochMs;
}

export interface FrameSocketEvents {
  /** A message arrived, whatever it is; `waits` when those before it are still handled. */
  onReceived(waits: boolean): void;
  /** One at a time, in order of arrival; the next waits for the promise, if there is one. `arrivedAt`: wall clock. */
  onFrame(frame: AgentFrame, arrivedAt: EpochMs): Promise<void> | undefined;
  /** The other end broke the protocol, or handling its frame failed; the socket is being closed. */
  onFault(error: unknown): void;
  onClosed(): void;
}

/**
 * A WebSocket as frames, with its memory bounded both ways: an agent that sends faster than it is served
 * is not read, and one that does not read what it is sent is cut off.
 */
export class FrameSocket {
  /** Messages behind the one that is being handled; null while none is. At most `maxQueuedFrames` and what was read with the last of them. */
  private queue: Arrived[] | null = null;
  private closed = false;
  /** When each frame that the kernel has not taken yet was given to the socket: monotonic ms, oldest first. Null when there is none. */
  private unsentSince: number[] | null = null;
  private cancelCut: Cancel | null = null;

  constructor(
    private readonly socket: WebSocket,
    private readonly clock: Clock,
    private readonly limits: Pick<LinkLimits, 'maxBufferedBytes' | 'maxQueuedFrames'>,
    private readonly events: FrameSocketEvents,
  ) {
    socket.on('message', (data, isBinary) => this.receive(data, isBinary));
    socket.on('error', (error) => events.onFault(error));
    socket.on('close', () => {
      this.closed = true;
      this.cancelCut?.();
      events.onClosed();
    });
  }

  get isOpen(): boolean {
    return !this.closed && this.socket.readyState === this.socket.OPEN;
  }

  /** So much waits to be handled that the other end is not read. */
  get isHeldBack(): boolean {
    return this.socket.isPaused;
  }

  /** Sends, or cuts the connection when too much waits to be sent already. Quiet when it is closed. */
  send(frame: MasterFrame): void {
    if (!this.isOpen) return;
    const text = encodeFrame(protocolVersion, newId(this.clock.now()), frame);
    if (this.socket.bufferedAmount + text.length > this.limits.maxBufferedBytes) {
      this.events.onFault(new Error(`${this.socket.bufferedAmount} bytes wait to be sent: the agent does not read`));
      this.cut();
      return;
    }
    this.write(text);
  }

  /** Sends a frame that others are sent too: encoded once. Quiet when it is closed, or when so much waits that it makes no sense. */
  sendEncoded(frame: Buffer): void {
    if (this.isOpen && this.socket.bufferedAmount + frame.length <= this.limits.maxBufferedBytes) this.write(frame);
  }

  /** How long the oldest unsent frame has been waiting, milliseconds; 0 when there is none. */
  unsentForMs(): number {
    const oldest = this.unsentSince?.[0];
    return oldest === undefined ? 0 : this.clock.monotonicMs() - oldest;
  }

  /** Closes politely; cuts when the other end does not answer. */
  close(code: number, reason: string): void {
    if (this.closed) return;
    // The reason of a close frame has at most 123 bytes (RFC 6455 5.5).
    this.socket.close(code, Buffer.from(reason).subarray(0, 120).toString('latin1').replace(/[^\x20-\x7e]/g, '?'));
    this.cancelCut ??= this.clock.after(closeGraceMs, () => this.cut());
  }

  /** Ends the connection at once. */
  cut(): void {
    this.socket.terminate();
  }

  private write(frame: string | Buffer): void {
    (this.unsentSince ??= []).push(this.clock.monotonicMs());
    this.socket.send(frame, asText, () => {
      this.unsentSince?.shift();
      if (this.unsentSince?.length === 0) this.unsentSince = null;
    });
  }

  private receive(data: RawData, isBinary: boolean): void {
    this.events.onReceived(this.queue !== null);
    if (isBinary) {
      this.events.onFault(new Error('a binary message, where frames are text'));
      this.close(closeCodes.unsupportedData, 'frames are text');
      return;
    }
    if (this.queue !== null) {
      this.queue.push({ data, at: this.clock.now() });
      if (this.queue.length + 1 >= this.limits.maxQueuedFrames) this.socket.pause();
      return;
    }
    const handling = this.handle({ data, at: this.clock.now() });
    if (handling === undefined) return;
    this.queue = [];
    void this.drain(handling);
  }

  private async drain(first: Promise<void>): Promise<void> {
    for (let handling: Promise<void> | undefined = first; ; ) {
      await handling?.catch((error: unknown) => this.fault(error));
      const next = this.queue?.shift();
      if (next === undefined) break;
      if (this.socket.isPaused && (this.queue?.length ?? 0) + 1 < this.limits.maxQueuedFrames) this.socket.resume();
      handling = this.handle(next);
    }
    this.queue = null;
    if (this.socket.isPaused) this.socket.resume();
  }

  /** Undefined when it was handled at once. What was queued behind a frame that ended the session is not handled any more. */
  private handle({ data, at }: Arrived): Promise<void> | undefined {
    if (!this.isOpen) return undefined;
    try {
      // ws hands text over as one Buffer (binaryType "nodebuffer").
      return this.events.onFrame(decodeAgentFrame((data as Buffer).toString('utf8')), at);
    } catch (error) {
      this.fault(error);
      return undefined;
    }
  }

  private fault(error: unknown): void {
    this.events.onFault(error);
    if (error instanceof ParavclError && error.code === 'malformed-body') this.close(closeCodes.policy, 'malformed or untimely frame');
    else this.close(closeCodes.internal, 'a fault of the master; dial again');
  }
}

const asText = { binary: false } as const;
