import { parseJson } from '../parse-json';
import { ChunkFrameReader, encodeChunkFrame, type ChunkEncoding, type ChunkFrame, type LackReason, type Want } from './frames';

/** What a chunk connection runs on: a TLS socket. Structural, because both ends' sockets differ from a test's. */
export interface ByteStream {
  write(data: Buffer): boolean;
  cork(): void;
  uncork(): void;
  readonly writableLength: number;
  readonly destroyed: boolean;
  destroy(error?: Error): unknown;
  on(event: 'data', listener: (data: Buffer) => void): unknown;
  on(event: 'drain' | 'close', listener: () => void): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
}

export type ChunkAnswer =
  | { readonly kind: 'chunk'; readonly encoding: ChunkEncoding; readonly data: Buffer }
  | { readonly kind: 'lack'; readonly why: LackReason }
  | { readonly kind: 'redirect'; readonly members: readonly number[] };

export interface ChunkPortHandlers {
  /** The JSON of a control message, still to be parsed against its schema. May throw: the connection ends. */
  onControl(message: unknown): void;
  /** Never rejects for what is ordinary; a rejection is answered `failed`. `cancelled` tells that nobody waits any more. */
  onWant(want: Want, cancelled: () => boolean): Promise<ChunkAnswer>;
  /** Once. Every request that is open has been answered `failed` by then. */
  onClose(why: string): void;
}

/** Bytes on their way out above which answers wait, so that an urgent one is never far behind. */
const fullBytes = 256 * 1024;
/** Wants of one connection that are being looked up; the rest wait in order, urgent ones first. */
const servingAtOnce = 64;
/** More than any honest peer has open. */
const mostWants = 4096;

interface Waiting {
  want: Want;
  cancelled: boolean;
  state: 'queued' | 'serving' | 'answered';
}

/**
 * One end of a chunk connection: asks for chunks, many at a time, and answers what the other end asks.
 *
 * Invariant: of the answers that are ready the urgent ones leave first, and at most `fullBytes` are handed to the
 * socket before they have left.
 */
export class ChunkPort {
  private readonly reader = new ChunkFrameReader();
  private readonly open = new Map<number, (answer: ChunkAnswer) => void>();
  private readonly wants = new Map<number, Waiting>();
  private readonly ready: { readonly urgent: ChunkFrame[]; readonly other: ChunkFrame[] } = { urgent: [], other: [] };
  private serving = 0;
  private newestWant = 0;
  private nextRequest = 1;
  private closed = false;
  /** Bytes of frames received and sent, heads included. */
  received = 0;
  sent = 0;

  constructor(
    private readonly stream: ByteStream,
    private readonly handlers: ChunkPortHandlers,
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
  ask(want: Omit<Want, 'request'>): { readonly number: number; readonly answer: Promise<ChunkAnswer> } {
    const request = this.nextRequest;
    this.nextRequest = request === 0xffffffff ? 1 : request + 1;
    if (this.closed) return { number: request, answer: Promise.resolve({ kind: 'lack', why: 'failed' }) };
    const answer = new Promise<ChunkAnswer>((resolve) => this.open.set(request, resolve));
    this.send({ type: 'want', request, ...want });
    return { number: request, answer };
  }

  /** Tells the other end that somebody waits for it now. */
  raise(number: number, want: Omit<Want, 'request'>): void {
    if (this.open.has(number)) this.send({ type: 'want', request: number, ...want, urgent: true });
  }

  /** Its answer becomes `failed` at once; the bytes may come all the same and are dropped. */
  cancel(number: number): void {
    const resolve = this.open.get(number);
    if (resolve === undefined) return;
    this.open.delete(number);
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
        const waiting = this.wants.get(frame.request);
        if (waiting === undefined) return;
        waiting.cancelled = true;
        if (waiting.state === 'queued') this.wants.delete(frame.request);
        return;
      }
    }
  }

  private answered(request: number, answer: ChunkAnswer): void {
    const resolve = this.open.get(request);
    this.open.delete(request);
    resolve?.(answer);
  }

  private wanted({ request, channel, index, urgent, insist }: Want): void {
    const known = this.wants.get(request);
    if (known !== undefined) {
      known.want = { ...known.want, urgent: known.want.urgent || urgent };
      return;
    }
    // An asker counts its requests: this one was answered while its urgency was on its way, and is not answered again.
    const ahead = (request - this.newestWant) >>> 0;
    if (ahead === 0 || ahead > 0x7fffffff) return;
    this.newestWant = request;
    if (this.wants.size >= mostWants) throw new RangeError(`More than ${mostWants} chunks are asked for at once.`);
    this.wants.set(request, { want: { request, channel, index, urgent, insist }, cancelled: false, state: 'queued' });
    this.serve();
  }

  /** Takes up queued wants, urgent ones first, while the way out is not full. */
  private serve(): void {
    if (this.closed || this.serving >= servingAtOnce || this.readyCount >= servingAtOnce) return;
    const queued = [...this.wants.values()].filter(({ state }) => state === 'queued');
    const inOrder = [...queued.filter(({ want }) => want.urgent), ...queued.filter(({ want }) => !want.urgent)];
    for (const waiting of inOrder.slice(0, servingAtOnce - this.serving)) {
      waiting.state = 'serving';
      this.serving += 1;
      void this.handlers
        .onWant(waiting.want, () => waiting.cancelled || this.closed)
        .catch((): ChunkAnswer => ({ kind: 'lack', why: 'failed' }))
        .then((answer) => {
          this.serving -= 1;
          waiting.state = 'answered';
          const { request, urgent } = waiting.want;
          this.wants.delete(request);
          if (!waiting.cancelled && !this.closed) (urgent ? this.ready.urgent : this.ready.other).push(frameOf(request, answer));
          this.flush();
          this.serve();
        });
    }
  }

  private get readyCount(): number {
    return this.ready.urgent.length + this.ready.other.length;
  }

  private flush(): void {
    while (!this.closed && this.stream.writableLength < fullBytes) {
      const frame = this.ready.urgent.shift() ?? this.ready.other.shift();
      if (frame === undefined) break;
      this.send(frame);
    }
    if (this.readyCount < servingAtOnce) this.serve();
  }

  private send(frame: ChunkFrame): void {
    if (this.closed || this.stream.destroyed) return;
    this.stream.cork();
    for (const part of encodeChunkFrame(frame)) {
      this.sent += part.length;
      this.stream.write(part);
    }
    this.stream.uncork();
  }

  private end(why: string): void {
    if (this.closed) return;
    this.closed = true;
    this.stream.destroy();
    this.wants.clear();
    this.ready.urgent.length = 0;
    this.ready.other.length = 0;
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
