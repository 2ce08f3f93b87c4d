import { open, stat, type FileHandle } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { readGuestWrite, type SeenWrite } from './guest-writes';

const everyMs = 2;

/** Follows the log of the busy guest's console, also into the next file when it is rotated, and keeps what it says of its writes. */
export class WriteWatch {
  private readonly writes: SeenWrite[] = [];
  private rest = '';
  private offset = 0;
  private file: FileHandle | null = null;
  private readonly over = new AbortController();
  private readonly following: Promise<void>;

  private constructor(private readonly path: string) {
    this.following = this.follow();
  }

  static start(path: string): WriteWatch {
    return new WriteWatch(path);
  }

  /** Those that it was told of from this moment on, ms of `performance.now()`. */
  seenSince(atMs: number): readonly SeenWrite[] {
    const first = this.writes.findLastIndex(({ seenAtMs }) => seenAtMs < atMs) + 1;
    return this.writes.slice(first);
  }

  async stop(): Promise<void> {
    this.over.abort();
    await this.following;
    await this.file?.close();
  }

  private async follow(): Promise<void> {
    while (!this.over.signal.aborted) {
      await this.read();
      await delay(everyMs);
    }
  }

  private async read(): Promise<void> {
    this.file ??= await open(this.path, 'r').catch(() => null);
    if (this.file === null) return;
    const buffer = Buffer.alloc(64 * 1024);
    for (;;) {
      const { bytesRead } = await this.file.read(buffer, 0, buffer.length, this.offset);
      const seenAtMs = performance.now();
      this.offset += bytesRead;
      const lines = (this.rest + buffer.toString('latin1', 0, bytesRead)).split('\n');
      this.rest = lines.pop() ?? '';
      for (const line of lines) {
        const write = readGuestWrite(line);
        if (write !== null) this.writes.push({ ...write, seenAtMs });
      }
      if (bytesRead === 0) break;
    }
    const [now, named] = [await this.file.stat(), await stat(this.path).catch(() => null)];
    if (named === null || named.ino === now.ino || now.size > this.offset) return;
    await this.file.close();
    [this.file, this.offset] = [null, 0];
  }
}
