import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Cancel, Clock } from '@paravcl/shared/clock';
import { type EventLine, parseEventLine } from './virsh-reports';
import type { Virsh } from './virsh';

const firstBackOffMs = 250;
const longestBackOffMs = 10_000;
/** virsh does not say when it has registered for events; it takes it some milliseconds after it connected. */
const registrationMs = 1_000;

/**
 * One `virsh event` process kept alive. After each start it reports a gap twice: when virsh runs, and
 * once more when it has surely registered, so that whatever happened in between is listed again.
 */
export class EventStream {
  private process: ChildProcess | null = null;
  private cancelTimer: Cancel = () => undefined;
  private backOffMs = firstBackOffMs;
  private closed = true;

  constructor(
    private readonly virsh: Virsh,
    private readonly clock: Clock,
    private readonly onEvent: (event: EventLine) => void,
    private readonly onGap: () => void,
  ) {}

  open(): void {
    if (!this.closed) return;
    this.closed = false;
    this.start();
  }

  close(): void {
    this.closed = true;
    this.cancelTimer();
    this.process?.kill('SIGTERM');
    this.process = null;
  }

  private start(): void {
    const process = this.virsh.stay('event --all --loop --timestamp');
    this.process = process;
    process.stderr?.resume();
    if (process.stdout !== null) {
      createInterface({ input: process.stdout }).on('line', (line) => {
        const event = parseEventLine(line);
        if (event !== null && this.process === process) this.onEvent(event);
      });
    }
    process.once('spawn', () => {
      if (this.process === process) this.onGap();
    });
    this.cancelTimer = this.clock.after(registrationMs, () => {
      this.backOffMs = firstBackOffMs;
      this.onGap();
    });
    let ended = false;
    const end = (): void => {
      if (ended || this.process !== process) return;
      ended = true;
      this.restart();
    };
    process.once('error', end);
    process.once('close', end);
  }

  private restart(): void {
    this.cancelTimer();
    this.process = null;
    if (this.closed) return;
    this.cancelTimer = this.clock.after(this.backOffMs, () => {
      this.start();
    });
    this.backOffMs = Math.min(this.backOffMs * 2, longestBackOffMs);
  }
}
