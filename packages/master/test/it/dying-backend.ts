import type { ObjectBackend, StoredObject } from '../../src/store/object-backend';

/** Ends before or after its nth change, as a killed master does: nothing works any more from then on. */
export class DyingBackend implements ObjectBackend {
  left = Infinity;
  private dead = false;
  constructor(private readonly inner: ObjectBackend, private readonly afterwards: boolean) {}
  get directory(): string | null {
    return this.inner.directory;
  }
  open = (): Promise<void> => this.inner.open();
  close = (): Promise<void> => this.inner.close();
  list = (prefix: string): Promise<readonly StoredObject[]> => this.inner.list(prefix);
  read = (key: string, offset: number, length: number): Promise<Buffer> => this.inner.read(key, offset, length);
  readAnew = (key: string, offset: number, length: number): Promise<Buffer> => this.inner.readAnew(key, offset, length);
  put = (key: string, pieces: readonly Buffer[]): Promise<void> => this.change(() => this.inner.put(key, pieces));
  delete = (key: string): Promise<void> => this.change(() => this.inner.delete(key));
  private async change(work: () => Promise<void>): Promise<void> {
    this.left -= 1;
    if (this.dead || (this.left < 0 && !this.afterwards)) throw this.end();
    await work();
    if (this.left < 0) throw this.end();
  }
  private end(): Error {
    this.dead = true;
    return new Error('killed');
  }
}
