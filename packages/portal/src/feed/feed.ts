import type { FeedMessage } from '@paravcl/shared/api/feed';
import { feedCloseCodes, feedPath } from '@paravcl/shared/api/sockets';

export type FeedState = 'connecting' | 'live' | 'lost';

export interface FeedListener {
  changed(message: Extract<FeedMessage, { type: 'changed' }>): void;
  /** Everything may have changed meanwhile. */
  ready(): void;
  state(state: FeedState): void;
  /** Nobody is logged in any more as this page was opened. It is dialled again all the same: another tab may have logged in anew. */
  loggedOut(): void;
}

const firstPauseMs = 500;
const longestPauseMs = 15_000;

/** The master's feed, dialled again with rising pauses (and some chance, so that a whole class does not dial in one moment) until it is closed. */
export class Feed {
  private socket: WebSocket | null = null;
  private timer: number | undefined;
  private failures = 0;
  private closed = false;

  constructor(private readonly listener: FeedListener) {
    window.addEventListener('online', this.dialNow);
    this.dial();
  }

  close(): void {
    this.closed = true;
    window.removeEventListener('online', this.dialNow);
    window.clearTimeout(this.timer);
    this.socket?.close();
  }

  private readonly dialNow = (): void => {
    if (this.closed || this.socket !== null) return;
    window.clearTimeout(this.timer);
    this.dial();
  };

  private dial(): void {
    this.listener.state(this.failures === 0 ? 'connecting' : 'lost');
    const socket = new WebSocket(`${location.origin.replace(/^http/, 'ws')}${feedPath}`);
    this.socket = socket;
    socket.onmessage = ({ data }) => this.hear(JSON.parse(String(data)) as FeedMessage);
    socket.onclose = ({ code }) => {
      this.socket = null;
      if (this.closed) return;
      this.failures += 1;
      this.listener.state('lost');
      const pause = Math.min(longestPauseMs, firstPauseMs * 2 ** Math.min(this.failures - 1, 6)) * (0.5 + Math.random());
      this.timer = window.setTimeout(() => this.dial(), pause);
      if (code === feedCloseCodes.loggedOut) this.listener.loggedOut();
    };
  }

  private hear(message: FeedMessage): void {
    if (message.type === 'ready') {
      this.failures = 0;
      this.listener.state('live');
      this.listener.ready();
    } else this.listener.changed(message);
  }
}
