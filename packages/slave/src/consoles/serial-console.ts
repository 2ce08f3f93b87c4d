import { type Clock, sleep } from '@paravcl/shared/clock';
import type { Duplex } from 'node:stream';
import type { LogEnd } from '../disks/log-tail';
import { seam } from './console-seam';
import { SerialViewer } from './serial-viewer';

/** What a viewer gets of what was printed before. */
const tailBytes = 64 * 1024;
/** The log is written by another process: it may lag behind what was read here. */
const looksAtLog = 25;
const betweenLooksMs = 20;
/** So much of what was read is found in the log, or all of it: the two are one stream. */
const certainBytes = 64;
const mostViewers = 16;

export interface SerialConsoleParts {
  readonly clock: Clock;
  /** Connects to the guest's serial port; one at a time can. */
  connect(): Promise<Duplex>;
  readLog(tailBytes: number): Promise<LogEnd>;
}

/**
 * The serial console of one guest, for all who look at it. It is read as fast as the guest prints, whoever of them is slow, and they all
 * type into it. A viewer first gets the end of what was printed before. It is over with the guest, or with the last viewer.
 */
export class SerialConsole {
  private readonly viewers = new Set<SerialViewer>();
  /** The end of all that was printed; null until it is known how it began. */
  private tail: Buffer | null = null;
  private live: Buffer[] = [];

  private constructor(
    private readonly guest: Duplex,
    private readonly over: () => void,
  ) {}

  /** `over` is called once. */
  static async open(parts: SerialConsoleParts, over: () => void): Promise<SerialConsole> {
    const { totalBytes } = await parts.readLog(0);
    const guest = await parts.connect();
    const self = new SerialConsole(guest, over);
    guest.on('error', () => undefined);
    guest.on('data', (bytes: Buffer) => self.printed(bytes));
    guest.on('end', () => guest.destroy());
    guest.on('close', () => self.end());
    try {
      await self.join(parts, totalBytes);
    } catch (error) {
      guest.destroy();
      throw error;
    }
    return self;
  }

  /** Throws with a sentence when as many look at it as may. */
  view(): Duplex {
    if (this.guest.destroyed) throw new Error('The serial console has ended: the machine was stopped.');
    if (this.viewers.size >= mostViewers) throw new Error(`${mostViewers} are connected to this serial console, the most there may be.`);
    const viewer = new SerialViewer((chunk, done) => this.guest.write(chunk, done));
    viewer.on('error', () => undefined);
    if (this.tail !== null && this.tail.length > 0) viewer.tell(this.tail);
    this.viewers.add(viewer);
    viewer.once('close', () => {
      this.viewers.delete(viewer);
      if (this.viewers.size === 0) this.guest.destroy();
    });
    return viewer;
  }

  private async join({ clock, readLog }: SerialConsoleParts, before: number): Promise<void> {
    let lastTotal = -1;
    for (let look = 0; ; look += 1) {
      const { tail, totalBytes } = await readLog(tailBytes);
      const newBytes = totalBytes < before ? tail.length : totalBytes - before;
      // Nothing is awaited from here to the end of the turn: what is printed meanwhile is live.
      const live = Buffer.concat(this.live);
      const { before: printed, shared } = seam(tail, newBytes, live);
      const isCertain = live.length === 0 ? totalBytes === lastTotal : shared >= Math.min(live.length, certainBytes);
      if (isCertain || look >= looksAtLog || totalBytes === 0 || this.guest.destroyed) {
        this.tail = lastOf(Buffer.concat([printed, live]));
        this.live = [];
        return;
      }
      lastTotal = totalBytes;
      await sleep(clock, betweenLooksMs);
    }
  }

  private printed(bytes: Buffer): void {
    if (this.tail === null) {
      this.live.push(bytes);
      return;
    }
    this.tail = lastOf(Buffer.concat([this.tail, bytes]));
    for (const viewer of this.viewers) viewer.tell(bytes);
  }

  private end(): void {
    for (const viewer of this.viewers) viewer.over();
    this.over();
  }
}

function lastOf(bytes: Buffer): Buffer {
  return bytes.length <= tailBytes ? bytes : Buffer.from(bytes.subarray(bytes.length - tailBytes));
}
