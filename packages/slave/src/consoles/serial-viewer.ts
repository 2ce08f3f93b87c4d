import { Duplex } from 'node:stream';

/** Bytes that wait for a viewer who reads more slowly than the guest prints. */
const waitingBytes = 512 * 1024;
const cutSentence = '\r\n[The guest prints faster than this connection takes it, so it was cut here. Open the console again.]\r\n';

/** One who looks at a serial console. It is told what the guest prints, whether it keeps up or not, and cut when it does not. */
export class SerialViewer extends Duplex {
  private isCut = false;

  constructor(private readonly type: (chunk: Buffer, done: (error?: Error | null) => void) => void) {
    super({ allowHalfOpen: true });
  }

  tell(bytes: Buffer): void {
    if (this.isCut || this.destroyed) return;
    if (this.readableLength + bytes.length <= waitingBytes) this.push(bytes);
    else this.cut(cutSentence);
  }

  /** After what it was told already. */
  over(): void {
    this.cut('');
  }

  override _read(): void {
    // It is told.
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    if (this.isCut) done();
    else this.type(chunk, done);
  }

  private cut(sentence: string): void {
    if (this.isCut || this.destroyed) return;
    this.isCut = true;
    if (sentence !== '') this.push(sentence);
    this.push(null);
  }
}
