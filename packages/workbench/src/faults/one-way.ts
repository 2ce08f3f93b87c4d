import type { Socket } from 'node:net';
import type { Link } from './link-fault';

/** Held back at most, per direction; beyond that the sender's socket is not read (RFC 9293: its window closes). */
const maxHeldBytes = 1024 * 1024;
const throttleStepMs = 20;

interface Held {
  readonly bytes: Buffer;
  readonly dueMs: number;
}

/**
 * One direction of a proxied connection.
 *
 * Invariants: bytes leave in the order they came; `held` never exceeds `maxHeldBytes` by more than one read;
 * what was swallowed by a half-open link makes `lost` true for ever, since the stream has a hole from then on.
 */
export class OneWay {
  /** Something of this direction, bytes or an end, was swallowed. */
  lost = false;
  private queue: Held[] = [];
  private heldBytes = 0;
  private lastDueMs = 0;
  private endDueMs: number | null = null;
  private endTold = false;
  private stopped = false;
  private timer: NodeJS.Timeout | null = null;
  private tokens = 0;
  private tokensAtMs = performance.now();

  constructor(
    private readonly from: Socket,
    private readonly to: Socket,
    private readonly link: Link,
    private readonly count: 'bytesToTarget' | 'bytesToClient',
    /** Ends the connection after this part of what was on its way has arrived. */
    private readonly cut: (to: Socket, part: Buffer) => void,
  ) {
    from.on('data', (bytes: Buffer) => this.take(bytes));
    from.on('end', () => this.takeEnd());
    to.on('drain', () => this.move());
    this.move();
  }

  /** Forwards what may go now; called again whenever that may have changed. */
  move(): void {
    this.clearTimer();
    if (this.stopped) return;
    const { fault } = this.link;
    if (fault.kind === 'stall') {
      this.from.pause();
      return;
    }
    if (fault.kind === 'half-open') this.swallow();
    while (this.queue.length > 0 && !this.to.writableNeedDrain && !this.to.destroyed) {
      if (!this.forwardOne()) break;
    }
    this.tellEnd();
    if (this.heldBytes >= maxHeldBytes) this.from.pause();
    else this.from.resume();
  }

  /** Forwards nothing more, whatever still comes. */
  stop(): void {
    this.stopped = true;
    this.clearTimer();
    this.queue = [];
    this.heldBytes = 0;
  }

  private take(bytes: Buffer): void {
    if (this.stopped) return;
    this.queue.push({ bytes, dueMs: this.dueMs() });
    this.heldBytes += bytes.length;
    this.move();
    const { counts } = this.link;
    counts.mostHeldBytes = Math.max(counts.mostHeldBytes, this.heldBytes + this.to.writableLength);
  }

  private takeEnd(): void {
    this.endDueMs = this.dueMs();
    this.move();
  }

  /** Forwards the first of the queue or a part of it; false when it has to wait. */
  private forwardOne(): boolean {
    const { fault, counts } = this.link;
    const [first] = this.queue;
    if (first === undefined || this.waitsFor(first.dueMs)) return false;
    const size = fault.kind === 'throttle' ? Math.min(first.bytes.length, this.allowance(fault.bytesPerSecond)) : first.bytes.length;
    if (size < 1) {
      this.moveIn(throttleStepMs);
      return false;
    }
    if (size > 1 && this.link.takeCut()) {
      const part = first.bytes.subarray(0, 1 + Math.floor(this.link.random() * (size - 1)));
      counts[this.count] += part.length;
      this.stop();
      this.cut(this.to, part);
      return false;
    }
    if (size === first.bytes.length) this.queue.shift();
    else this.queue[0] = { bytes: first.bytes.subarray(size), dueMs: first.dueMs };
    this.heldBytes -= size;
    counts[this.count] += size;
    this.to.write(first.bytes.subarray(0, size));
    return true;
  }

  private tellEnd(): void {
    if (this.endDueMs === null || this.endTold || this.queue.length > 0 || this.waitsFor(this.endDueMs)) return;
    this.endTold = true;
    this.to.end();
  }

  private swallow(): void {
    const bytes = this.queue.reduce((sum, held) => sum + held.bytes.length, 0);
    this.link.counts.bytesLost += bytes;
    const endLost = this.endDueMs !== null && !this.endTold;
    if (bytes > 0 || endLost) this.lost = true;
    if (endLost) this.endTold = true;
    this.queue = [];
    this.heldBytes = 0;
  }

  /** A delay holds only while the link delays: afterwards what it held goes at once. */
  private waitsFor(dueMs: number): boolean {
    const waitMs = this.link.fault.kind === 'delay' ? dueMs - performance.now() : 0;
    if (waitMs <= 0) return false;
    this.moveIn(Math.ceil(waitMs));
    return true;
  }

  private dueMs(): number {
    const { fault, random } = this.link;
    const now = performance.now();
    if (fault.kind !== 'delay') return now;
    this.lastDueMs = Math.max(this.lastDueMs, now + Math.max(0, fault.ms + (2 * random() - 1) * fault.jitterMs));
    return this.lastDueMs;
  }

  /** Bytes that may go now: what the rate earned since it was last spent, a tenth of a second's worth at most. */
  private allowance(bytesPerSecond: number): number {
    const now = performance.now();
    this.tokens = Math.min(this.tokens + ((now - this.tokensAtMs) * bytesPerSecond) / 1000, Math.max(1, bytesPerSecond / 10));
    this.tokensAtMs = now;
    const whole = Math.floor(this.tokens);
    const spent = Math.min(whole, this.queue[0]?.bytes.length ?? 0);
    this.tokens -= spent;
    return spent;
  }

  private moveIn(ms: number): void {
    this.clearTimer();
    this.timer = setTimeout(() => this.move(), ms);
  }

  private clearTimer(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
  }
}
