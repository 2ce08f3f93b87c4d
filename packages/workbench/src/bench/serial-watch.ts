import { open, type FileHandle } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';

const everyMs = 2;

/**
 * Follows the file a guest's serial console is logged to, as `tail -f`, and answers the moment a pattern
 * first appears in what was printed after `from`. Looks every 2 ms, which bounds its error.
 */
export class SerialWatch {
  private text = '';
  private offset = 0;
  private file: FileHandle | null = null;

  constructor(private readonly path: string) {}

  /** Skips what is there already: only what is printed from now on counts. */
  async skipToEnd(): Promise<void> {
    await this.read();
    this.text = '';
  }

  /** Resolves with `performance.now()` of the moment it was seen. Throws after `timeoutMs`. */
  async sees(pattern: RegExp, timeoutMs: number): Promise<number> {
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      await this.read();
      if (pattern.test(this.text)) return performance.now();
      if (performance.now() > deadline) throw new Error(`${this.path} did not show ${String(pattern)} within ${String(timeoutMs / 1000)} s.`);
      await delay(everyMs);
    }
  }

  async close(): Promise<void> {
    await this.file?.close();
    this.file = null;
  }

  private async read(): Promise<void> {
    this.file ??= await open(this.path, 'r').catch(() => null);
    if (this.file === null) return;
    const buffer = Buffer.alloc(64 * 1024);
    for (;;) {
      const { bytesRead } = await this.file.read(buffer, 0, buffer.length, this.offset);
      if (bytesRead === 0) return;
      this.offset += bytesRead;
      this.text += buffer.toString('latin1', 0, bytesRead).replaceAll('\r', '');
    }
  }
}
