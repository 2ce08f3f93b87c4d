import { readFile, rename, writeFile } from 'node:fs/promises';
import type { Cancel, Clock } from '@paravcl/shared/clock';
import { parseJson } from '@paravcl/shared/parse-json';
import type { ObservedInstance } from '@paravcl/shared/protocol/desired-instance';
import { lastReportSchema } from './journal-record';

const writeAfterMs = 1000;

/**
 * What was last seen, on the disk, so that a restarted agent whose hypervisor does not answer yet does
 * not tell the master that there is nothing. A hint: written late, not synced, replaced by the first look.
 */
export class LastReport {
  private cancel: Cancel | null = null;

  constructor(
    private readonly path: string,
    private readonly clock: Clock,
    private readonly read: () => readonly ObservedInstance[],
  ) {}

  static async load(path: string): Promise<readonly ObservedInstance[]> {
    try {
      return lastReportSchema.parse(parseJson(await readFile(path, 'utf8')));
    } catch {
      return [];
    }
  }

  changed(): void {
    this.cancel ??= this.clock.after(writeAfterMs, () => {
      this.cancel = null;
      void this.write().catch(() => undefined);
    });
  }

  async write(): Promise<void> {
    this.cancel?.();
    this.cancel = null;
    await writeFile(`${this.path}.next`, JSON.stringify(this.read()), { mode: 0o600 });
    await rename(`${this.path}.next`, this.path);
  }
}
