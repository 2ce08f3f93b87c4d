import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Cancel, Clock } from '@paravcl/shared/clock';
import type { DomainEvent } from '../driver';
import { type EventLine, parseEventLine } from './virsh-reports';
import type { Virsh } from './virsh';

const firstBackOffMs = 250;
const longestBackOffMs = 10_000;
/** virsh does not say when it has registered for events; it takes it some milliseconds after it connected. */
const registrationMs = 1_000;

/**
 * Tells of changes of domains by one `virsh event` process, kept alive. After each start it tells of a gap twice: when virsh runs, and
 * once more when it has surely registered, so that whatever happened in between is listed again.
 */
export class EventStream {
  private readonly listeners = new Set<(event: DomainEvent) => void>();
  private process: ChildProcess | null = null;
  private cancelTimer: Cancel = () => undefined;
  private backOffMs = firstBackOffMs;
  private closed = true;

  constructor(
    private readonly virsh: Virsh,
    private readonly clock: Clock,
    /** virsh names domains, see `DomainLooks`. */
    private readonly idsByName: ReadonlyMap<string, string>,
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

  /** Calls back on changes until the returned function is called. */
  listen(listener: (event: DomainEvent) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  private start(): void {
    const process = this.virsh.stay('event --all --loop --timestamp');
    this.process = process;
    process.stderr?.resume();
    if (process.stdout !== null) {
      createInterface({ input: process.stdout }).on('line', (line) => {
        const event = parseEventLine(line);
        if (event !== null && this.process === process) this.hear(event);
      });
    }
    process.once('spawn', () => {
      if (this.process === process) this.tellGap();
    });
    this.cancelTimer = this.clock.after(registrationMs, () => {
      this.backOffMs = firstBackOffMs;
      this.tellGap();
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

  private hear({ event, domain }: EventLine): void {
    const instanceId = this.idsByName.get(domain) ?? null;
    if (event === 'lifecycle') this.tell({ instanceId, what: 'lifecycle' });
    if (event === 'io-error') this.tell({ instanceId, what: 'io-error' });
  }

  private tellGap(): void {
    this.tell({ instanceId: null, what: 'resync' });
  }

  private tell(event: DomainEvent): void {
    for (const listener of this.listeners) listener(event);
  }
}
