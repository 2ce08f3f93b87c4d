import { ObjectMissing, type ObjectBackend } from './object-backend';

const key = 'suspects/chunks';
const lineBytes = 65;
const line = /^[0-9a-f]{64}$/;

/**
 * The suspect chunks beside the packs, a hexadecimal hash a line, so that a restart does not forget them. It is written
 * behind the change: a crash in between loses news that the next read or verification finds again, or keeps one that is
 * mended, whose next copy then is stored once too often.
 */
export class SuspectList {
  private writing: Promise<void> | null = null;
  private stale = false;

  constructor(private readonly backend: ObjectBackend) {}

  /** What was kept last. What is no hash is left out: the list only helps, and must keep nobody from the store. */
  async read(): Promise<readonly Buffer[]> {
    const [object] = await this.backend.list(key);
    if (object === undefined || object.bytes === 0) return [];
    try {
      const text = (await this.backend.read(key, 0, object.bytes)).toString('latin1');
      return text.split('\n').filter((hash) => line.test(hash)).map((hash) => Buffer.from(hash, 'hex'));
    } catch (error) {
      if (error instanceof ObjectMissing || error instanceof RangeError) return [];
      throw error;
    }
  }

  /** Writes what `hashes` answers, now or, while one writing is under way, once behind it. */
  keep(hashes: () => readonly string[]): void {
    this.stale = true;
    this.writing ??= this.write(hashes).finally(() => (this.writing = null));
  }

  /** Resolves when nothing is left to be written. */
  async settled(): Promise<void> {
    while (this.writing !== null) await this.writing;
  }

  private async write(hashes: () => readonly string[]): Promise<void> {
    while (this.stale) {
      this.stale = false;
      const now = hashes();
      const bytes = Buffer.alloc(now.length * lineBytes);
      now.forEach((hash, at) => bytes.write(`${hash}\n`, at * lineBytes, 'latin1'));
      // Without room, or with the object store away, they are known until the restart; the next change tries again.
      await (now.length === 0 ? this.backend.delete(key) : this.backend.put(key, [bytes])).catch(() => undefined);
    }
  }
}
