import type { Readable } from 'node:stream';

/** Reads a stream in pieces of known length. */
export class RfbReader {
  private held = Buffer.alloc(0);
  private readonly parts: AsyncIterator<Buffer>;

  constructor(stream: Readable) {
    this.parts = (stream as AsyncIterable<Buffer>)[Symbol.asyncIterator]();
  }

  /** The next `length` bytes. Throws when the stream ends before them. */
  async take(length: number): Promise<Buffer> {
    while (this.held.length < length) {
      const { done, value } = await this.parts.next();
      if (done === true) throw new Error('The stream has ended.');
      this.held = Buffer.concat([this.held, value]);
    }
    const taken = this.held.subarray(0, length);
    this.held = this.held.subarray(length);
    return taken;
  }
}
