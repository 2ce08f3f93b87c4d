import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { labClockLookMs, labClockVariable, labTimeSchema, type LabTime } from '@paravcl/shared/lab-clock';
import { parseJson } from '@paravcl/shared/parse-json';

/**
 * The time of all daemons of a lab: the machine's, and what the lab "slept" through. Physically everything slept:
 * the time of day and the clock since boot move, durations and timers do not, so nobody misses a heartbeat.
 * The time of day of a single host can be wrong besides.
 *
 * The master follows one file and each host another one, `LabTime` as JSON; they are replaced by renaming, so nobody
 * reads half of one. Daemons look at theirs at most every 20 ms.
 */
export class LabClock {
  private sleptMs = 0;
  private readonly wrongMs: Map<string, number>;

  constructor(
    readonly file: string,
    hosts: readonly string[] = [],
  ) {
    this.wrongMs = new Map(hosts.map((host) => [host, 0]));
  }

  /** For the master's environment. */
  get env(): Readonly<Record<string, string>> {
    return { [labClockVariable]: this.file };
  }

  /** For the environment of a host's daemons. */
  envOf(host: string): Readonly<Record<string, string>> {
    return { [labClockVariable]: this.fileOf(host) };
  }

  /**
   * Takes up what an earlier run of the same lab slept, and makes the files; every host's time of day is right. Throws when
   * there is a file of an earlier run that cannot be read or holds no time: to begin from 0 would move the clock back.
   */
  async open(): Promise<void> {
    await mkdir(dirname(this.file), { recursive: true });
    const text = await readFile(this.file, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return null;
      throw error;
    });
    this.sleptMs = text === null ? 0 : labTimeSchema.parse(parseJson(text)).sleptMs;
    await this.write();
  }

  /** Milliseconds since 1970 as the master, and every host whose time is right, sees it. */
  now(): number {
    return Date.now() + this.sleptMs;
  }

  /** The lab sleeps for so long, at once. Every daemon that is asked something afterwards has woken up. */
  async sleep(ms: number): Promise<void> {
    if (!Number.isFinite(ms) || ms < 0) throw new RangeError(`A lab sleeps for a number of milliseconds from 0, not for ${String(ms)}: its clock never goes back.`);
    this.sleptMs += ms;
    await this.write();
  }

  /** The lab sleeps until then; not at all when it is later already. */
  async sleepUntil(moment: Date): Promise<void> {
    await this.sleep(Math.max(0, moment.getTime() - this.now()));
  }

  /** From now on the host's time of day is ahead by so long (below 0: behind), as after somebody set it wrong; 0 sets it right. */
  async setWrong(host: string, ms: number): Promise<void> {
    if (!this.wrongMs.has(host)) throw new RangeError(`There is no host ${host} in this lab.`);
    this.wrongMs.set(host, ms);
    await this.write();
  }

  private fileOf(host: string): string {
    return `${this.file}-${host}`;
  }

  private async write(): Promise<void> {
    const files = [[this.file, 0] as const, ...[...this.wrongMs].map(([host, wrongMs]) => [this.fileOf(host), wrongMs] as const)];
    for (const [file, wrongMs] of files) {
      const time: LabTime = { sleptMs: this.sleptMs, wrongMs };
      await writeFile(`${file}.new`, JSON.stringify(time));
      await rename(`${file}.new`, file);
    }
    // A timer may fire early by a part of a millisecond.
    await delay(labClockLookMs + 1);
  }
}
