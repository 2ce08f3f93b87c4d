import type { ByteStream } from './chunk-port';
import type { ServedWant } from './served-want';

/** A stream that tells when what was written has left this process. */
export interface SentStream extends ByteStream {
  write(data: Buffer, left?: () => void): boolean;
  /**
   * Of a socket of Node, which has no public word for it: what the kernel has not taken yet of the write that is under way, by which
   * net.Socket itself sees whether it moves (`_onTimeout`). A TLS socket counts what it encrypted there until all of it left; its
   * `_parent` is the connection below. Without them a write is seen to move only when it ends.
   */
  readonly _handle?: (WriteQueue & { readonly _parent?: WriteQueue | null }) | null;
}

interface WriteQueue {
  readonly writeQueueSize?: number;
}

export interface WayOutLimits {
  /** Over all connections together. */
  readonly bytes: number;
  /** So that nobody who reads slowly takes the room of the others. */
  readonly bytesPerConnection: number;
}

/** For whom something is sent: whether they wait for it now, and still. */
export type SendFor = Pick<ServedWant, 'urgent' | 'cancelled' | 'whenRaised'>;

interface Waiting {
  readonly bytes: number;
  readonly want: SendFor;
  readonly go: () => void;
}

/** How far one connection was at a look. While nothing more has left, what is under way can only become less. */
interface Progress {
  readonly left: number;
  readonly underWay: number;
}

/**
 * The way out of all chunk connections of a process. What is read to be sent counts from before it is read until it has
 * left, and waits for room first, what somebody waits for before what is only fetched ahead: whoever does not
 * read, and however many they are, memory is bounded.
 */
export class WayOut {
  private held = 0;
  private readonly streams = new Set<PacedStream>();
  /** Those that have room of their own while there is none in all; who waits longest is the first. */
  private readonly short = new Set<PacedStream>();
  private looked = new Map<PacedStream, Progress>();

  constructor(private readonly limits: WayOutLimits) {}

  /** Bytes that were read, or are being read, and have not left. */
  get heldBytes(): number {
    return this.held;
  }

  /** The stream to be given to a ChunkPort in the place of this one. */
  paced(stream: SentStream): PacedStream {
    const paced: PacedStream = new PacedStream(stream, {
      advance: () => this.advance(paced),
      gaveBack: (bytes) => {
        this.held -= bytes;
        for (const one of [...this.short]) {
          this.short.delete(one);
          this.advance(one);
          if (this.short.has(one)) break;
        }
        this.advance(paced);
      },
    });
    this.streams.add(paced);
    stream.on('close', () => {
      this.streams.delete(paced);
      this.short.delete(paced);
      paced.ended();
    });
    return paced;
  }

  /**
   * Ends every connection that had something to send at the last call and of which the kernel has taken nothing since: call it
   * every half minute or so. The other end does not read, or is gone without a word.
   */
  cutStuck(): void {
    const looked = new Map<PacedStream, Progress>();
    for (const stream of this.streams) {
      if (stream.unsent === 0) continue;
      const [before, now] = [this.looked.get(stream), stream.progress];
      if (before?.left === now.left && before.underWay === now.underWay) stream.destroy(new Error('nothing of what was sent was taken for too long'));
      else looked.set(stream, now);
    }
    this.looked = looked;
  }

  /** Lets go what waits on this connection and fits. Something larger than all the room has it alone. */
  private advance(stream: PacedStream): void {
    for (let next = stream.waiting[0]; next !== undefined; next = stream.waiting[0]) {
      const { bytes, go } = next;
      if (stream.held > 0 && stream.held + bytes > this.limits.bytesPerConnection) return;
      if (this.held > 0 && this.held + bytes > this.limits.bytes) return void this.short.add(stream);
      stream.waiting.shift();
      stream.held += bytes;
      this.held += bytes;
      go();
    }
  }
}

interface Room {
  advance(): void;
  gaveBack(bytes: number): void;
}

/** One connection on the way out. */
export class PacedStream implements ByteStream {
  /** Bytes that count as on their way. */
  held = 0;
  /** Bytes written that have not left, and that have. What waits behind a write leaves as one: the latter grows by much at once. */
  unsent = 0;
  private left = 0;
  /** Urgent ones first. */
  readonly waiting: Waiting[] = [];
  /** What was read and is not written yet: the bytes it counts as, of each time it was read. */
  private readonly counted = new Map<Buffer, number[]>();
  private isOver = false;

  constructor(
    private readonly stream: SentStream,
    private readonly out: Room,
  ) {}

  /**
   * What `read` finds, to be written to this stream by the caller; it counts as `bytes` until it has left. Null when there is none or
   * nobody waits for it any more: then nothing may be written.
   */
  async send<T extends { readonly data: Buffer }>(bytes: number, want: SendFor, read: () => Promise<T | null>): Promise<T | null> {
    await this.room(bytes, want);
    let found: T | null = null;
    try {
      if (!want.cancelled && !this.destroyed) found = await read();
    } finally {
      if (found === null || want.cancelled || this.destroyed) {
        found = null;
        this.giveBack(bytes);
      }
    }
    if (found !== null) this.counted.set(found.data, [...(this.counted.get(found.data) ?? []), bytes]);
    return found;
  }

  /** The other end is gone: everything is given back, and nobody waits any more. */
  ended(): void {
    this.isOver = true;
    const { held } = this;
    this.held = 0;
    for (const { go } of this.waiting.splice(0)) go();
    if (held > 0) this.out.gaveBack(held);
  }

  get progress(): Progress {
    const handle = this.stream._handle;
    return { left: this.left, underWay: (handle?._parent ?? handle)?.writeQueueSize ?? 0 };
  }

  get writableLength(): number {
    return this.stream.writableLength;
  }

  get destroyed(): boolean {
    return this.stream.destroyed;
  }

  write(data: Buffer): boolean {
    const bytes = this.countedAs(data);
    this.unsent += data.length;
    return this.stream.write(data, () => {
      this.unsent -= data.length;
      this.left += data.length;
      if (bytes > 0) this.giveBack(bytes);
    });
  }

  cork(): void {
    this.stream.cork();
  }

  uncork(): void {
    this.stream.uncork();
  }

  destroy(error?: Error): unknown {
    return this.stream.destroy(error);
  }

  on(event: 'data', listener: (data: Buffer) => void): unknown;
  on(event: 'drain' | 'close', listener: () => void): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
  on(event: 'data' | 'drain' | 'close' | 'error', listener: (value: never) => void): unknown {
    return (this.stream.on as (event: string, listener: (value: never) => void) => unknown).call(this.stream, event, listener);
  }

  private room(bytes: number, want: SendFor): Promise<void> {
    if (this.isOver) return Promise.resolve();
    return new Promise((go) => {
      const one: Waiting = { bytes, want, go };
      this.waiting.splice(want.urgent ? this.urgentEnd : this.waiting.length, 0, one);
      want.whenRaised(() => this.raise(one));
      this.out.advance();
    });
  }

  private raise(one: Waiting): void {
    const at = this.waiting.indexOf(one);
    if (at === -1) return;
    this.waiting.splice(at, 1);
    // It counts as urgent by now: before the first that is not.
    this.waiting.splice(this.urgentEnd, 0, one);
    this.out.advance();
  }

  /** Where the urgent ones end. */
  private get urgentEnd(): number {
    const firstOther = this.waiting.findIndex(({ want }) => !want.urgent);
    return firstOther === -1 ? this.waiting.length : firstOther;
  }

  private countedAs(data: Buffer): number {
    const times = this.counted.get(data);
    const bytes = times?.shift() ?? 0;
    if (times?.length === 0) this.counted.delete(data);
    return bytes;
  }

  private giveBack(bytes: number): void {
    // At the end all was given back at once.
    if (this.isOver) return;
    this.held -= bytes;
    this.out.gaveBack(bytes);
  }
}
