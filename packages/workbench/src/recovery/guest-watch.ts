import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { emptyTrace, follow, type GuestTrace } from './guest-trace';

const everyMs = 500;

/** Follows the serial log of every guest in some pools, from its first line to the end of its disk, and keeps what it told. */
export class GuestWatch {
  private readonly traces = new Map<string, GuestTrace>();
  private readonly offsets = new Map<string, number>();
  private watching: Promise<void> | null = null;
  private stopped = false;

  constructor(private readonly pools: readonly string[]) {}

  start(): void {
    this.watching = (async () => {
      while (!this.stopped) {
        await this.look();
        await delay(everyMs);
      }
    })();
  }

  async stop(): Promise<void> {
    this.stopped = true;
    await this.watching;
    await this.look();
  }

  get guests(): ReadonlyMap<string, GuestTrace> {
    return this.traces;
  }

  private async look(): Promise<void> {
    for (const pool of this.pools) {
      const instances = await readdir(join(pool, 'instances')).catch(() => []);
      for (const instanceId of instances) if (!instanceId.startsWith('.')) await this.read(instanceId, join(pool, 'instances', instanceId, 'serial.log'));
    }
  }

  private async read(instanceId: string, path: string): Promise<void> {
    const file = await open(path, 'r').catch(() => null);
    if (file === null) return;
    try {
      const { size } = await file.stat();
      const known = this.offsets.get(path) ?? 0;
      const from = size < known ? 0 : known;
      if (size === from) return;
      const bytes = Buffer.alloc(size - from);
      const { bytesRead } = await file.read(bytes, 0, bytes.length, from);
      this.offsets.set(path, from + bytesRead);
      this.traces.set(instanceId, follow(this.traces.get(instanceId) ?? emptyTrace, bytes.toString('latin1', 0, bytesRead), performance.now()));
    } finally {
      await file.close();
    }
  }
}
