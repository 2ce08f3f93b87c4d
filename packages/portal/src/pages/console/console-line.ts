import { nextLink, type LinkEvent, type LinkState } from './console-link';

/** Begins to connect and tells what becomes of it; what it returns ends it, silently. */
export type Dial = (tell: (event: LinkEvent) => void) => () => void;

/** Keeps a console connected by the rules of `nextLink` until it is closed. */
export class ConsoleLine {
  private state: LinkState = { at: 'idle' };
  private runs = false;
  private timer: number | undefined;
  private hangUp: () => void = () => undefined;
  private closed = false;

  constructor(
    private readonly dial: Dial,
    private readonly changed: (state: LinkState) => void,
  ) {
    window.addEventListener('online', this.tryNow);
    window.addEventListener('offline', this.offline);
  }

  readonly tryNow = (): void => this.hear({ type: 'dial' });
  private readonly offline = (): void => this.hear({ type: 'offline' });

  /** Whether the machine runs, whenever that is read. */
  machine(runs: boolean): void {
    this.runs = runs;
    this.hear({ type: 'machine' });
  }

  hear(event: LinkEvent): void {
    if (this.closed) return;
    const before = this.state;
    const state = nextLink(before, event, { nowMs: Date.now(), chance: Math.random(), runs: this.runs });
    if (state === before) return;
    this.state = state;
    window.clearTimeout(this.timer);
    if (state.at !== 'open') this.end();
    if (state.at === 'pausing') this.timer = window.setTimeout(this.tryNow, state.untilMs - Date.now());
    if (state.at === 'connecting') this.hangUp = this.dial((told) => this.hear(told));
    this.changed(state);
  }

  close(): void {
    this.closed = true;
    window.removeEventListener('online', this.tryNow);
    window.removeEventListener('offline', this.offline);
    window.clearTimeout(this.timer);
    this.end();
  }

  private end(): void {
    const hangUp = this.hangUp;
    this.hangUp = () => undefined;
    hangUp();
  }
}
