import type { ByteStream } from '@paravcl/shared/chunks/chunk-port';
import type { Cancel, Clock } from '@paravcl/shared/clock';
import type { Socket } from 'node:net';

/** How long what nobody waits for may lie in the kernel: little beside the time of a chunk on a slow link, and long beside that of a packet. */
const turnMs = 50;
/** More than a chunk at a time is no trickle: the link is fast, and the kernel's room for a young connection soon full. */
const muchBytes = 80 * 1024;
/** TLS hands over records, which are no longer (RFC 5246, 6.2.1). */
const recordBytes = 16 * 1024;

/** Of a connection, what its turns need. */
interface Gathered {
  /** Whether it has been read enough, and may wait for the next turn. */
  mayWait(): boolean;
  wait(): void;
  read(): void;
}

/**
 * The turns in which a process reads what is only fetched ahead. Chunks come over slow links in many packets, from several hosts at once;
 * to wake for each costs more processor time than everything that is done with them. So connections for which nobody waits are read
 * together, once a turn.
 */
export class ReadTurns {
  /** For whatever was read last, of all connections: it is copied by who takes it. */
  readonly buffer = Buffer.allocUnsafe(recordBytes);
  private readonly heard = new Set<Gathered>();
  private readonly waiting = new Set<Gathered>();
  private cancel: Cancel | null = null;

  constructor(private readonly clock: Clock) {}

  /** Bytes came: when everything that is there has been read it is to wait. */
  heardOf(stream: Gathered): void {
    if (this.heard.size === 0) setImmediate(() => this.settle());
    this.heard.add(stream);
  }

  /** It does not wait any more. */
  leave(stream: Gathered): void {
    this.waiting.delete(stream);
  }

  private settle(): void {
    for (const stream of this.heard) {
      if (!stream.mayWait()) continue;
      this.waiting.add(stream);
      stream.wait();
    }
    this.heard.clear();
    if (this.waiting.size === 0) return;
    this.cancel ??= this.clock.after(turnMs, () => {
      this.cancel = null;
      const due = [...this.waiting];
      this.waiting.clear();
      for (const stream of due) stream.read();
    });
  }
}

/**
 * A connection whose bytes are taken from one buffer (the `onread` of net.Socket), in turns while nobody waits for what comes, at once
 * otherwise. Give `onread` to the socket that is made, then the socket to `over`.
 */
export class GatheredStream implements ByteStream, Gathered {
  readonly onread: { readonly buffer: Uint8Array; readonly callback: (bytes: number) => boolean };
  private socket: Socket | null = null;
  private listener: (data: Buffer) => void = () => undefined;
  private isWaitedFor = false;
  private turnBytes = 0;

  constructor(private readonly turns: ReadTurns) {
    this.onread = { buffer: turns.buffer, callback: (bytes) => this.take(bytes) };
  }

  over(socket: Socket): this {
    this.socket = socket;
    return this;
  }

  get writableLength(): number {
    return this.made.writableLength;
  }

  get destroyed(): boolean {
    return this.made.destroyed;
  }

  write(data: Buffer): boolean {
    return this.made.write(data);
  }

  cork(): void {
    this.made.cork();
  }

  uncork(): void {
    this.made.uncork();
  }

  destroy(error?: Error): unknown {
    return this.made.destroy(error);
  }

  hurry(isWaitedFor: boolean): void {
    this.isWaitedFor = isWaitedFor;
    if (!isWaitedFor) return;
    this.turns.leave(this);
    this.read();
  }

  mayWait(): boolean {
    const isMuch = this.turnBytes >= muchBytes;
    this.turnBytes = 0;
    return !this.isWaitedFor && !isMuch && !this.made.destroyed;
  }

  wait(): void {
    this.made.pause();
  }

  read(): void {
    if (!this.made.destroyed) this.made.resume();
  }

  on(event: 'data', listener: (data: Buffer) => void): unknown;
  on(event: 'drain' | 'close', listener: () => void): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
  on(event: 'data' | 'drain' | 'close' | 'error', listener: (value: never) => void): unknown {
    if (event === 'data') this.listener = listener as (data: Buffer) => void;
    else this.made.on(event, listener as () => void);
    return this;
  }

  private get made(): Socket {
    if (this.socket === null) throw new Error('The stream has no socket yet.');
    return this.socket;
  }

  private take(bytes: number): boolean {
    this.turnBytes += bytes;
    this.turns.heardOf(this);
    this.listener(this.turns.buffer.subarray(0, bytes));
    return true;
  }
}
