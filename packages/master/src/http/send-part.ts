import { Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

/**
 * Writes the next `bytes` bytes of the stream and ends `to`. The stream is closed afterwards whatever
 * happens: pipeline does not begin to read for a reader that is gone, and a file that is not read is not closed.
 */
export async function sendPart(stream: Readable, bytes: number, to: Writable): Promise<void> {
  try {
    await pipeline(Readable.from(firstBytes(stream, bytes), { objectMode: false }), to);
  } finally {
    stream.destroy();
  }
}

async function* firstBytes(stream: Readable, bytes: number): AsyncGenerator<Buffer> {
  let left = bytes;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    const part = chunk.subarray(0, left);
    left -= part.length;
    yield part;
    if (left === 0) return;
  }
}
