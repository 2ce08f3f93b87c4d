import type { Duplex } from 'node:stream';

/** X11 keysym of F12, with which a simulated screen begins to move. */
const movieKey = 0xffc9;

/** A viewer of a simulated screen: RFB 3.8, raw encoding (RFC 6143). */
export class RfbViewer {
  private held: Buffer[] = [];
  private heldBytes = 0;
  private wanted: { readonly length: number; readonly resolve: (bytes: Buffer) => void } | null = null;
  private fail: (error: Error) => void = () => undefined;
  private readonly ended: Promise<never>;

  private constructor(private readonly stream: Duplex) {
    this.ended = new Promise((_resolve, reject) => (this.fail = reject));
    // Whoever takes sees it.
    this.ended.catch(() => undefined);
    stream.on('data', (part: Buffer) => {
      this.held.push(part);
      this.heldBytes += part.length;
      this.give();
    });
    stream.on('error', () => undefined);
    for (const event of ['end', 'close']) stream.on(event, () => this.fail(new Error('The screen has ended.')));
  }

  /** Shakes hands, and has seen the whole picture once. */
  static async open(stream: Duplex): Promise<RfbViewer> {
    const viewer = new RfbViewer(stream);
    await viewer.take(12);
    stream.write('RFB 003.008\n');
    await viewer.take(2);
    stream.write(Buffer.from([1]));
    await viewer.take(4);
    stream.write(Buffer.from([1]));
    await viewer.take((await viewer.take(24)).readUInt32BE(20));
    viewer.ask(false, 640, 480);
    await viewer.update();
    return viewer;
  }

  /** Milliseconds from a key to the picture that it changed. */
  async keyToPicture(): Promise<number> {
    this.ask(true, 640, 480);
    const before = performance.now();
    this.press(0x61);
    await this.update();
    return performance.now() - before;
  }

  /** Has the picture move, and says when each frame of it came (`performance.now`). */
  async watch(untilMs: number): Promise<readonly number[]> {
    const times: number[] = [];
    this.ask(true, 640, 480);
    this.press(movieKey);
    while (performance.now() < untilMs) {
      await this.update();
      times.push(performance.now());
      this.ask(true, 640, 480);
    }
    return times;
  }

  close(): void {
    this.stream.destroy();
  }

  private press(key: number): void {
    const event = Buffer.alloc(16);
    event.set([4, 1]);
    event.writeUInt32BE(key, 4);
    // And let go.
    event.set([4, 0], 8);
    event.writeUInt32BE(key, 12);
    this.stream.write(event);
  }

  private ask(incremental: boolean, width: number, height: number): void {
    const request = Buffer.alloc(10);
    request.set([3, incremental ? 1 : 0]);
    request.writeUInt16BE(width, 6);
    request.writeUInt16BE(height, 8);
    this.stream.write(request);
  }

  private async update(): Promise<void> {
    const head = await this.take(16);
    await this.take(head.readUInt16BE(8) * head.readUInt16BE(10) * 4);
  }

  private take(length: number): Promise<Buffer> {
    const taken = new Promise<Buffer>((resolve) => {
      this.wanted = { length, resolve };
      this.give();
    });
    return Promise.race([taken, this.ended]);
  }

  private give(): void {
    if (this.wanted === null || this.heldBytes < this.wanted.length) return;
    const { length, resolve } = this.wanted;
    this.wanted = null;
    const all = this.held.length === 1 ? (this.held[0] ?? Buffer.alloc(0)) : Buffer.concat(this.held);
    this.held = length < all.length ? [all.subarray(length)] : [];
    this.heldBytes -= length;
    resolve(all.subarray(0, length));
  }
}
