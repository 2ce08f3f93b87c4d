import type { Socket } from 'node:net';
import { WhileFast } from '../while-fast';
import type { Agreement } from './handshake';
import { blockStatusReply, decodeRequest, errorReply, faultOf, payloadBytes, readHeadBytes, writeReadHead, type Request } from './requests';
import { command, mostRequestBytes, nbdError, requestBytes } from './wire';

/** Bytes asked for by all connections together that are not with their clients yet. */
export class ReplyBudget {
  private readonly waiting: (() => void)[] = [];
  private used = 0;

  constructor(private readonly most: number) {}

  take(bytes: number): boolean {
    if (this.used > 0 && this.used + bytes > this.most) return false;
    this.used += bytes;
    return true;
  }

  give(bytes: number): void {
    this.used -= bytes;
    // All are woken: who does not fit waits again.
    for (const wake of this.waiting.splice(0)) wake();
  }

  /** Calls back once when something was given back. */
  wait(wake: () => void): void {
    this.waiting.push(wake);
  }
}

/** A read up to this is answered without a detour through the thread pool when its bytes are here. */
const blockingBytes = 128 * 1024;
/** A blocking read that took longer was not in the page cache, and probably nor are the next ones. */
const readsAtOnce = { slowMs: 1, slowInRow: 2, elsewhere: 32 } as const;
/** As so many bytes at least an answer counts: a small one takes room besides its bytes. */
const leastCountedBytes = 1024;
/** What one connection may have under way: more than any guest asks for at a time. */
const mostUnderWay = 8 * 1024 * 1024;

/**
 * The transmission phase of one connection. Requests are answered in whatever order their bytes come.
 *
 * A client that asks without reading its answers is read no further: at most `mostUnderWay` and one request
 * are kept for it, and all of them but its first answer of at most `blockingBytes` within the budget of all connections.
 */
export class NbdConnection {
  private held: Buffer;
  /** Bytes of a refused write that are still to come. */
  private skip = 0;
  private underWay = 0;
  private readonly fast = new WhileFast(readsAtOnce);
  /** For answers made at once: what the kernel took is not needed any more. */
  private reply = Buffer.alloc(0);
  private ended = false;
  private waitsForBudget = false;
  /** The next read was tried here already, before the budget had no room for it. */
  private isForLater = false;

  constructor(
    private readonly socket: Socket,
    private readonly agreed: Agreement,
    private readonly budget: ReplyBudget,
    received: Buffer,
    private readonly onFault: (error: unknown) => void,
  ) {
    this.held = received;
    socket.on('data', (piece: Buffer) => {
      if (this.ended) return;
      this.held = this.held.length === 0 ? piece : Buffer.concat([this.held, piece]);
      this.serve();
    });
    socket.on('drain', () => this.serve());
    socket.on('close', () => {
      this.ended = true;
      agreed.export.release();
    });
    this.serve();
    if (!this.isFull) socket.resume();
  }

  private get isFull(): boolean {
    return this.waitsForBudget || this.underWay + this.socket.writableLength >= mostUnderWay;
  }

  private serve(): void {
    let at = 0;
    try {
      for (;;) {
        if (this.skip > 0) {
          const skipped = Math.min(this.skip, this.held.length - at);
          this.skip -= skipped;
          at += skipped;
        }
        if (this.ended || this.skip > 0 || this.held.length - at < requestBytes || this.isFull) break;
        const request = decodeRequest(this.held, at);
        if (!this.take(request)) break;
        at += requestBytes;
      }
    } catch (error) {
      this.onFault(error);
      this.socket.destroy();
      return;
    }
    if (at > 0) this.held = this.held.subarray(at);
    if (this.ended) return;
    if (this.isFull) this.socket.pause();
    else if (this.socket.isPaused()) this.socket.resume();
  }

  /** False when it must wait for others' replies to be read. */
  private take(request: Request): boolean {
    const { structured, tellsAllocation, export: image } = this.agreed;
    if (request.type === command.disconnect) {
      // Nothing may come after it: what comes is not read.
      this.ended = true;
      this.socket.pause();
      this.socket.destroySoon();
      return true;
    }
    const fault = faultOf(request, image.sizeBytes, tellsAllocation);
    if (fault !== 0) {
      const payload = payloadBytes(request);
      if (payload > mostRequestBytes) throw new RangeError(`A write of ${payload} bytes is not followed.`);
      if (!this.answerNow(errorReply(structured, request.cookie, fault))) return false;
      this.skip = payload;
      return true;
    }
    if (request.type === command.blockStatus) return this.answerNow(blockStatusReply(request, image.extents(request.offset, request.length)));
    const counted = this.isBehind || request.length > blockingBytes ? countedAs(request.length) : 0;
    if (!this.hasRoom(counted)) return false;
    if (!this.isForLater && this.answerHere(request, counted)) return true;
    this.isForLater = true;
    if (counted === 0 && !this.hasRoom(countedAs(request.length))) return false;
    this.isForLater = false;
    void this.answerLater(request);
    return true;
  }

  /** Answers wait in this process because the client does not take them. Only then are those made at once counted. */
  private get isBehind(): boolean {
    return this.socket.writableLength > 0;
  }

  /** Takes room of the budget; when it has none, the connection goes on as soon as it has. */
  private hasRoom(bytes: number): boolean {
    if (bytes === 0 || this.budget.take(bytes)) return true;
    this.waitsForBudget = true;
    this.budget.wait(() => {
      this.waitsForBudget = false;
      this.serve();
    });
    return false;
  }

  private answerNow(reply: Buffer): boolean {
    const counted = this.isBehind ? countedAs(reply.length) : 0;
    if (!this.hasRoom(counted)) return false;
    this.write(reply, counted);
    return true;
  }

  /** `counted` is given back when it was handed to the kernel, or when the connection ended. */
  private write(data: Buffer, counted: number): void {
    if (counted === 0) this.socket.write(data);
    else this.socket.write(data, () => this.budget.give(counted));
  }

  /** The way of nearly every read: one read, one write. */
  private answerHere(request: Request, counted: number): boolean {
    const { structured, export: image } = this.agreed;
    if (request.length > blockingBytes || !this.fast.mayBlock()) return false;
    const headBytes = readHeadBytes(structured);
    const replyBytes = headBytes + request.length;
    if (this.reply.length < replyBytes) this.reply = Buffer.allocUnsafe(replyBytes);
    const startMs = performance.now();
    if (!image.readHere(this.reply, headBytes, request.offset, request.length)) return false;
    this.fast.took(performance.now() - startMs);
    image.noteRead(request.offset, request.length);
    writeReadHead(this.reply, structured, request);
    this.write(this.reply.subarray(0, replyBytes), counted);
    if (this.isBehind) this.reply = Buffer.alloc(0);
    return true;
  }

  private async answerLater(request: Request): Promise<void> {
    const { structured, export: image } = this.agreed;
    const { offset, length, cookie } = request;
    this.underWay += length;
    image.noteRead(offset, length);
    const data = await image.read(offset, length).catch((error: unknown) => {
      this.onFault(error);
      return null;
    });
    this.underWay -= length;
    if (this.ended || data === null) {
      this.budget.give(countedAs(length));
      if (!this.ended) this.socket.write(errorReply(structured, cookie, nbdError.io));
    } else {
      const head = Buffer.allocUnsafe(readHeadBytes(structured));
      writeReadHead(head, structured, request);
      this.socket.cork();
      this.socket.write(head);
      this.write(data, countedAs(length));
      this.socket.uncork();
    }
    this.serve();
  }
}

function countedAs(bytes: number): number {
  return Math.max(bytes, leastCountedBytes);
}
