import type { Viewer } from './console-door';
import { endOf, goesOn, joined } from './serial-rejoin';
import { mostReplayedBytes, SerialReplay, settledMs } from './serial-replay';

export interface SerialScreen {
  /** `isOld`: it was printed before this connection. */
  write(bytes: Uint8Array, isOld: boolean): void;
  /** Nothing of what comes next is known to follow what was shown. */
  gap(): void;
}

/** What was shown last, over all connections of a page. */
export interface SerialMemory {
  end: Uint8Array;
}

/** A serial console on a socket that is open: what comes is shown once, though each connection begins with the end of what was printed. */
export class SerialViewer implements Viewer {
  private held: Uint8Array[] | null;
  private timer: number | undefined;
  private readonly replay = new SerialReplay(Date.now());

  constructor(
    private readonly socket: WebSocket,
    private readonly memory: SerialMemory,
    private readonly screen: SerialScreen,
  ) {
    this.held = memory.end.length === 0 ? null : [];
    socket.onmessage = ({ data }: MessageEvent<ArrayBuffer | string>) => {
      if (typeof data !== 'string') this.hear(new Uint8Array(data));
    };
  }

  send(bytes: Uint8Array<ArrayBuffer>): void {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(bytes);
  }

  end(): void {
    window.clearTimeout(this.timer);
    if (this.held !== null && this.held.length > 0) this.settle();
  }

  private hear(bytes: Uint8Array): void {
    const isOld = this.replay.brings(bytes.length, Date.now());
    if (this.held === null) {
      this.show(bytes, isOld);
      return;
    }
    this.held.push(bytes);
    const heard = joined(this.held);
    const news = goesOn(this.memory.end, heard);
    window.clearTimeout(this.timer);
    if (news !== null) {
      this.held = null;
      this.show(news, isOld);
    } else if (heard.length >= mostReplayedBytes) this.settle();
    else this.timer = window.setTimeout(() => this.settle(), settledMs);
  }

  private settle(): void {
    const heard = joined(this.held ?? []);
    this.held = null;
    this.screen.gap();
    this.show(heard, true);
  }

  private show(bytes: Uint8Array, isOld: boolean): void {
    if (bytes.length === 0) return;
    this.memory.end = endOf(this.memory.end, bytes);
    this.screen.write(bytes, isOld);
  }
}
