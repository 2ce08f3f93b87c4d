import { readFile, rename, writeFile } from 'node:fs/promises';
import type { Cancel, Clock, EpochMs } from '@paravcl/shared/clock';

const everyMs = 60_000;

/**
 * When the agent last heard of the master, in a file, so that doctor can tell it without the agent. Written
 * once a minute at most and not synced: a hint, of which a minute may be missing.
 */
export class LastContact {
  private cancel: Cancel = () => undefined;
  private written: EpochMs | null = null;
  private stopped = false;

  constructor(
    private readonly path: string,
    private readonly clock: Clock,
    private readonly lastContactAt: () => EpochMs | null,
  ) {}

  /** Null when the agent never heard of it, or the file is no such file. */
  static async read(path: string): Promise<EpochMs | null> {
    const at = Date.parse((await readFile(path, 'utf8').catch(() => '')).trim());
    return Number.isNaN(at) ? null : at;
  }

  start(): void {
    if (this.stopped) return;
    this.cancel = this.clock.after(everyMs, () => void this.write().then(() => this.start()));
  }

  /** Writes what is not written yet. */
  async stop(): Promise<void> {
    this.stopped = true;
    this.cancel();
    await this.write();
  }

  /** A disk that takes nothing is told by others, and must not end the agent. */
  private async write(): Promise<void> {
    const at = this.lastContactAt();
    if (at === null || at === this.written) return;
    try {
      await writeFile(`${this.path}.next`, `${new Date(at).toISOString()}\n`, { mode: 0o600 });
      await rename(`${this.path}.next`, this.path);
      this.written = at;
    } catch {
      return;
    }
  }
}
