import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Names the file for the daemons. */
export const labClockVariable = 'PARAVCL_LAB_CLOCK';

/**
 * The time of all daemons of a lab: the machine's, and what the lab "slept" through. Physically everything slept:
 * the time of day and the clock since boot move, durations and timers do not, so nobody misses a heartbeat.
 *
 * The file holds one JSON number, the milliseconds slept; it is replaced by renaming, so nobody reads half of it.
 * Daemons look at it at most every 20 ms.
 */
export class LabClock {
  private sleptMs = 0;

  constructor(readonly file: string) {}

  /** For the daemons' environment. */
  get env(): Readonly<Record<string, string>> {
    return { [labClockVariable]: this.file };
  }

  /** Takes up what an earlier run of the same lab slept, and makes the file. */
  async open(): Promise<void> {
    await mkdir(dirname(this.file), { recursive: true });
    const text = await readFile(this.file, 'utf8').catch(() => '0');
    this.sleptMs = Number(text) || 0;
    await this.write();
  }

  /** Milliseconds since 1970 as the daemons see it. */
  now(): number {
    return Date.now() + this.sleptMs;
  }

  /** The lab sleeps for so long, at once. */
  async sleep(ms: number): Promise<void> {
    if (!Number.isFinite(ms) || ms < 0) throw new RangeError(`A lab sleeps for a number of milliseconds from 0, not for ${String(ms)}: its clock never goes back.`);
    this.sleptMs += ms;
    await this.write();
  }

  /** The lab sleeps until then; not at all when it is later already. */
  async sleepUntil(moment: Date): Promise<void> {
    await this.sleep(Math.max(0, moment.getTime() - this.now()));
  }

  private async write(): Promise<void> {
    await writeFile(`${this.file}.new`, JSON.stringify(this.sleptMs));
    await rename(`${this.file}.new`, this.file);
  }
}
