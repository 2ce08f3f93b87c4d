/** What is needed of a Duplex of Node. */
interface ByteStream<Stream> {
  readonly destroyed: boolean;
  readonly closed: boolean;
  readonly readableEnded: boolean;
  pipe(destination: Stream, options: { readonly end: boolean }): unknown;
  unpipe(destination: Stream): unknown;
  resume(): unknown;
  end(then: () => void): unknown;
  destroy(): unknown;
  on(event: string, listener: () => void): unknown;
}

/**
 * Carries bytes both ways until one end is gone. Each side is read no faster than the other takes it. What the one that went had
 * said is delivered to the other before that ends too; what the other still says then is thrown away, for nobody is there to hear
 * it. Resolves when both are closed; never rejects.
 */
export async function splice<Stream extends ByteStream<Stream>>(one: Stream, other: Stream): Promise<void> {
  one.pipe(other, { end: false });
  other.pipe(one, { end: false });
  let isEnding = false;
  const gone = (who: Stream, left: Stream) => (): void => {
    if (isEnding) return;
    isEnding = true;
    left.unpipe(who);
    // Without a reader its own end would not be noticed.
    left.resume();
    who.destroy();
    left.end(() => left.destroy());
  };
  await Promise.all([untilClosed(one, gone(one, other)), untilClosed(other, gone(other, one))]);
}

function untilClosed<Stream>(stream: ByteStream<Stream>, gone: () => void): Promise<void> {
  return new Promise((resolve) => {
    stream.on('error', gone);
    stream.on('end', gone);
    stream.on('close', () => {
      gone();
      resolve();
    });
    if (stream.destroyed || stream.readableEnded) gone();
    if (stream.closed) resolve();
  });
}
