import { joined } from './serial-rejoin';

/** A part of a serial console's output. */
interface Part {
  readonly bytes: Uint8Array;
  /** It was printed before this connection, for whoever looked on then. */
  readonly isOld: boolean;
}

export interface Output {
  /** Shows it, and calls `shown` when that is done. */
  show(part: Part, shown: () => void): void;
  /** A line that says that so many bytes are missing here. */
  missing(lostBytes: number): Uint8Array;
}

/** So much waits to be shown before the oldest of it goes: many windows full, which nobody has read. */
const mostWaitingBytes = 1024 * 1024;
/** As much as is shown in one go. */
const mostAtOnceBytes = 64 * 1024;

/** Between a guest and a terminal that may be slower: shows one part after the other, and leaves out the oldest, visibly, where too much waits. */
export class OutputQueue {
  private readonly waiting: Part[] = [];
  private waitingBytes = 0;
  private lostBytes = 0;
  private isShowing = false;
  private closed = false;

  constructor(private readonly output: Output) {}

  put(bytes: Uint8Array, isOld: boolean): void {
    this.waiting.push({ bytes, isOld });
    this.waitingBytes += bytes.length;
    while (this.waitingBytes > mostWaitingBytes && this.waiting.length > 1) this.lostBytes += this.taken()?.bytes.length ?? 0;
    this.showNext();
  }

  /** Shows no more. */
  close(): void {
    this.closed = true;
    this.waiting.length = 0;
  }

  private taken(): Part | undefined {
    const part = this.waiting.shift();
    this.waitingBytes -= part?.bytes.length ?? 0;
    return part;
  }

  private showNext(): void {
    if (this.isShowing || this.closed) return;
    const part = this.lostBytes > 0 ? { bytes: this.output.missing(this.lostBytes), isOld: true } : this.next();
    if (part === null) return;
    this.lostBytes = 0;
    this.isShowing = true;
    this.output.show(part, () => {
      this.isShowing = false;
      this.showNext();
    });
  }

  /** What waits longest, with what follows it and is of its kind. */
  private next(): Part | null {
    const first = this.taken();
    if (first === undefined) return null;
    const parts = [first.bytes];
    let length = first.bytes.length;
    for (let after = this.waiting[0]; after !== undefined && after.isOld === first.isOld && length + after.bytes.length <= mostAtOnceBytes; after = this.waiting[0]) {
      parts.push(after.bytes);
      length += after.bytes.length;
      this.taken();
    }
    return { bytes: joined(parts), isOld: first.isOld };
  }
}
