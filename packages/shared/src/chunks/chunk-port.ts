import type { Cancel, Clock } from '../clock';
import { parseJson } from '../parse-json';
import { ChunkFrameReader, encodeChunkFrame, type ChunkEncoding, type ChunkFrame, type LackReason, type Want } from './frames';
import { ServedWant } from './served-want';

/** What a chunk connection runs on: a TLS socket. Structural, because both ends' sockets differ from a test's. */
export interface ByteStream {
  write(data: Buffer): boolean;
  cork(): void;
  uncork(): void;
  readonly writableLength: number;
  readonly destroyed: boolean;
  destroy(error?: Error): unknown;
  /** Told when somebody begins to wait for what comes next, and when nobody does any more; a stream that reads at once anyway has none. */
  hurry?(isWaitedFor: boolean): void;
  on(event: 'data', listener: (data: Buffer) => void): unknown;
  on(event: 'drain' | 'close', listener: () => void): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
}

export type ChunkAnswer =
  | { readonly kind: 'chunk'; readonly encoding: ChunkEncoding; readonly data: Buffer }
  | { readonly kind: 'lack'; readonly why: LackReason }
  | { readonly kind: 'redirect'; readonly members: readonly number[] };

/** Without a rank: what is there already. */
export type AskedWant = Omit<Want, 'request' | 'rank'> & Partial<Pick<Want, 'rank'>>;

export interface ChunkPortHandlers {
  /** The JSON of a control message, still to be parsed against its schema. May throw: the connection ends. */
  onControl(message: unknown): void;
  /** Never rejects for what is ordinary; a rejection is answered `failed`. */
  onWant(want: ServedWant): Promise<ChunkAnswer>;
  /** Once. Every request that is open has been answered `failed` by then. */
  onClose(why: string): void;
}

/** Bytes on their way out above which answers wait, so that an urgent one is never far behind. */
const fullBytes = 256 * 1024;
/** Wants of one connection that are being looked up; as many urgent ones more. The rest wait in order, urgent ones first. */
const servingAtOnce = 64;
/** More than any honest peer has open. */
const mostWants = 4096;
/** While somebody waits for an answer they hear of us so often, be it only that we are here. */
const signOfLifeMs = 1000;

interface Ready {
  readonly want: ServedWant;
  readonly frame: ChunkFrame;
}

/**
 * One end of a chunk connection: asks for chunks, many at a time, and answers what the other end asks.
 *
 * Invariant: of the answers that are ready the urgent ones leave first, also when they became so only now, and at most
 * `fullBytes` are handed to the socket before they have left. Who waits for an answer hears something every `signOfLifeMs`.
 */
export class ChunkPort {
  private readonly reader = new ChunkFrameReader();
  private readonly open = new Map<number, (answer: ChunkAnswer) => void>();
  /** Those of the open ones for which somebody waits. */
  private readonly urgent = new Set<number>();
  /** Of the other end, from the question until the answer is handed to the socket. */
  private readonly wants = new Map<number, ServedWant>();
  private readonly queued = new Set<ServedWant>();
  private readonly ready: Ready[] = [];
  private serving = 0;
  private cancelSign: Cancel | null = null;
  private newestWant = 0;
  private nextRequest = 1;
  private closed = false;
  private corked = false;
  /** Bytes of frames received and sent, heads included. */
  received = 0;
  sent = 0;
  /** Answers to what we asked. */
  answers = 0;

  constructor(
    private readonly stream: ByteStream,
    private readonly handlers: ChunkPortHandlers,
    private readonly clock: Clock,
  ) {
    stream.on('data', (piece) => this.receive(piece));
    stream.on('drain', () => this.flush());
    stream.on('error', (error) => this.end(error.message));
    stream.on('close', () => this.end('the connection ended'));
  }

  get isOpen(): boolean {
    return !this.closed;
  }

  /** Requests of ours that are not answered yet. */
  get outstanding(): number {
    return this.open.size;
  }

  /** Nothing when the connection has ended. */
  sendControl(message: object): void {
    this.send({ type: 'control', message: JSON.stringify(message) });
  }

  /** The answer resolves always; `failed` when the connection ends before it. `number` serves to raise or cancel it. */
  ask(want: AskedWant): { readonly number: number; readonly answer: Promise<ChunkAnswer> } {
    const request = this.nextRequest;
    this.nextRequest = request === 0xffffffff ? 1 : request + 1;
    if (this.closed) return { number: request, answer: Promise.resolve({ kind: 'lack', why: 'failed' }) };
    const answer = new Promise<ChunkAnswer>((resolve) => this.open.set(request, resolve));
    if (want.urgent) this.isWaitedFor(request);
    this.send({ type: 'want', request, rank: 0, ...want });
    return { number: request, answer };
  }

  /** Tells the other end that somebody waits for it now. */
  raise(number: number, want: AskedWant): void {
    if (!this.open.has(number)) return;
    this.isWaitedFor(number);
    this.send({ type: 'want', request: number, rank: 0, ...want, urgent: true });
  }

  /** Its answer becomes `failed` at once; the bytes may come all the same and are dropped. */
  cancel(number: number): void {
    const resolve = this.taken(number);
    if (resolve === undefined) return;
    this.send({ type: 'cancel', request: number });
    resolve({ kind: 'lack', why: 'failed' });
  }

  close(why: string): void {
    this.end(why);
  }

  private receive(piece: Buffer): void {
    if (this.closed) return;
    this.received += piece.length;
    try {
      for (const frame of this.reader.push(piece)) this.handle(frame);
    } catch (error) {
      this.end(error instanceof Error ? error.message : String(error));
    }
  }

  private handle(frame: ChunkFrame): void {
    switch (frame.type) {
      case 'control':
        return this.handlers.onControl(parseJson(frame.message));
      case 'want':
        return this.wanted(frame);
      case 'chunk':
        return this.answered(frame.request, { kind: 'chunk', encoding: frame.encoding, data: frame.data });
      case 'lack':
        return this.answered(frame.request, { kind: 'lack', why: frame.why });
      case 'redirect':
        return this.answered(frame.request, { kind: 'redirect', members: frame.members });
      case 'cancel': {
        const want = this.wants.get(frame.request);
        want?.cancel();
        if (want !== undefined && this.queued.delete(want)) this.wants.delete(frame.request);
        return;
      }
      case 'alive':
        return;
    }
  }

  private answered(request: number, answer: ChunkAnswer): void {
    this.answers += 1;
    this.taken(request)?.(answer);
  }

  private isWaitedFor(request: number): void {
    this.urgent.add(request);
    if (this.urgent.size === 1) this.stream.hurry?.(true);
  }

  /** No longer open. */
  private taken(request: number): ((answer: ChunkAnswer) => void) | undefined {
    const resolve = this.open.get(request);
    this.open.delete(request);
    if (this.urgent.delete(request) && this.urgent.size === 0) this.stream.hurry?.(false);
    return resolve;
  }

  private wanted(asked: Want): void {
    const known = this.wants.get(asked.request);
    if (known !== undefined) {
      if (asked.urgent) known.raise();
      return this.serve();
    }
    // An asker counts its requests: this one was answered while its urgency was on its way, and is not answered again.
    const ahead = (asked.request - this.newestWant) >>> 0;
    if (ahead === 0 || ahead > 0x7fffffff) return;
    this.newestWant = asked.request;
    if (this.wants.size >= mostWants) throw new RangeError(`More than ${mostWants} chunks are asked for at once.`);
    const want = new ServedWant(asked, (begins) => {
      this.serving += begins ? -1 : 1;
      if (begins) this.serve();
    });
    this.wants.set(want.request, want);
    this.queued.add(want);
    this.serve();
    this.cancelSign ??= this.signLater();
  }

  /** Takes up queued wants, urgent ones first, while the way out is not full. */
  private serve(): void {
    for (let want = this.next(); want !== null; want = this.next()) void this.serveOne(want);
  }

  private next(): ServedWant | null {
    if (this.closed || this.ready.length >= servingAtOnce || this.serving >= 2 * servingAtOnce) return null;
    let first: ServedWant | null = null;
    for (const want of this.queued) {
      if (want.urgent) return want;
      first ??= want;
    }
    return this.serving < servingAtOnce ? first : null;
  }

  private async serveOne(want: ServedWant): Promise<void> {
    this.queued.delete(want);
    this.serving += 1;
    const answer = await this.handlers.onWant(want).catch((): ChunkAnswer => ({ kind: 'lack', why: 'failed' }));
    this.serving -= 1;
    if (want.cancelled || this.closed) this.wants.delete(want.request);
    else this.ready.push({ want, frame: frameOf(want.request, answer) });
    this.flush();
  }

  /** Hands on what is ready while there is room, then takes up more. */
  private flush(): void {
    while (!this.closed && this.ready.length > 0 && this.stream.writableLength < fullBytes) {
      const [next] = this.ready.splice(Math.max(0, this.ready.findIndex(({ want }) => want.urgent)), 1);
      if (next === undefined) break;
      this.wants.delete(next.want.request);
      this.send(next.frame);
    }
    this.serve();
  }

  /** Bytes that are still on their way out tell enough. */
  private signLater(): Cancel {
    const { sent } = this;
    return this.clock.after(signOfLifeMs, () => {
      this.cancelSign = null;
      if (this.closed || this.wants.size === 0) return;
      if (this.sent === sent && this.stream.writableLength === 0) this.send({ type: 'alive' });
      this.cancelSign = this.signLater();
    });
  }

  /** What is sent in one turn of the event loop leaves together: a packet and a waking of the other end costs more than most frames. */
  private send(frame: ChunkFrame): void {
    if (this.closed || this.stream.destroyed) return;
    if (!this.corked) {
      this.corked = true;
      this.stream.cork();
      setImmediate(() => {
        this.corked = false;
        this.stream.uncork();
      });
    }
    for (const part of encodeChunkFrame(frame)) {
      this.sent += part.length;
      this.stream.write(part);
    }
  }

  private end(why: string): void {
    if (this.closed) return;
    this.closed = true;
    this.cancelSign?.();
    // What was said before the end leaves, a refusal for one.
    if (this.corked) this.stream.uncork();
    this.stream.destroy();
    for (const want of this.wants.values()) want.cancel();
    this.wants.clear();
    this.queued.clear();
    this.ready.length = 0;
    const open = [...this.open.values()];
    this.open.clear();
    for (const resolve of open) resolve({ kind: 'lack', why: 'failed' });
    this.handlers.onClose(why);
  }
}

function frameOf(request: number, answer: ChunkAnswer): ChunkFrame {
  switch (answer.kind) {
    case 'chunk':
      return { type: 'chunk', request, encoding: answer.encoding, data: answer.data };
    case 'lack':
      return { type: 'lack', request, why: answer.why };
    case 'redirect':
      return { type: 'redirect', request, members: answer.members };
  }
}
