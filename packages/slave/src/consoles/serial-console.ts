import { type Cancel, type Clock, sleep } from '@paravcl/shared/clock';
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
/** A guest prints byte by byte: what comes within this time after something was told is told together. */
const gatherMs = 10;

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
  /** Read, and in no tail yet. */
  private live: Buffer[] = [];
  /** Something was told just now. */
  private gathering: Cancel | null = null;

  private constructor(
    private readonly guest: Duplex,
    private readonly clock: Clock,
    private readonly over: () => void,
  ) {}

  /** `over` is called once. */
  static async open(parts: SerialConsoleParts, over: () => void): Promise<SerialConsole> {
    const { totalBytes } = await parts.readLog(0);
    const guest = await parts.connect();
    const self = new SerialConsole(guest, parts.clock, over);
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
    if (this.guest.destroyed) throw new Error('The serial console has just ended. Open it again; if the machine went off, start it first.');
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
    this.live.push(bytes);
    if (this.tail !== null && this.gathering === null) this.tellLive(this.tail);
  }

  /** At once after a pause, so that who types sees it; a guest that prints on and on is told of a hundred times a second. */
  private tellLive(tail: Buffer): void {
    this.gathering = null;
    if (this.live.length === 0) return;
    const bytes = Buffer.concat(this.live);
    this.live = [];
    const next = (this.tail = lastOf(Buffer.concat([tail, bytes])));
    for (const viewer of this.viewers) viewer.tell(bytes);
    this.gathering = this.clock.after(gatherMs, () => this.tellLive(this.tail ?? next));
  }

  private end(): void {
    this.gathering?.();
    if (this.tail !== null) this.tellLive(this.tail);
    this.gathering?.();
    for (const viewer of this.viewers) viewer.over();
    this.over();
  }
}

function lastOf(bytes: Buffer): Buffer {
  return bytes.length <= tailBytes ? bytes : Buffer.from(bytes.subarray(bytes.length - tailBytes));
}
