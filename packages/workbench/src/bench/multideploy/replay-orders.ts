import { fork, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import type { Replayed } from './replay';

/** One guest: whose disk it reads. */
export interface GuestDisk {
  readonly socket: { readonly path: string } | { readonly host: string; readonly port: number };
  readonly exportName: string;
  /** What an agent asks of its mirror before a guest starts; null where there is no mirror. */
  readonly mirror: { readonly controlSocket: string; readonly manifest: string } | null;
}

export interface ReplayOrder {
  readonly do: 'boot';
  readonly guests: readonly GuestDisk[];
  readonly traceFile: string;
  /** The image as a plain file: what the right bytes are. */
  readonly imageFile: string;
  readonly withPauses: boolean;
  /** All at the same time, or each when the one before it is through. */
  readonly oneAfterAnother: boolean;
}

/** Reads of 4 KiB at places of `chunks`, one after another. */
export interface LatencyOrder {
  readonly do: 'latency';
  readonly guest: GuestDisk;
  readonly chunks: readonly number[];
  readonly chunkBytes: number;
  readonly reads: number;
}

export interface BootReport {
  /** Of each guest. `seconds` from the order to the last byte. */
  readonly guests: readonly Replayed[];
  /** From the order until the last guest is through. */
  readonly seconds: number;
  /** Processor time of the readers. */
  readonly cpuSeconds: number;
}

export interface LatencyReport {
  readonly p50Ms: number;
}

/** The process that plays the guests, seen from the bench. `through` is what runs it, as in a host's namespace. */
export class ReplayProcess {
  private readonly child: ChildProcess;
  private readonly pending = new Map<number, { readonly resolve: (report: unknown) => void; readonly reject: (error: Error) => void }>();
  private next = 0;

  constructor(through: readonly string[] = []) {
    const [program = process.execPath, ...args] = through.length === 0 ? [] : [...through, process.execPath];
    // fork() puts its own arguments first: what runs the program comes as its executable.
    this.child = fork(join(__dirname, 'replay-process.js'), { execPath: program, execArgv: args });
    this.child.on('message', (message: { readonly id: number; readonly report?: unknown; readonly fault?: string }) => {
      const waiter = this.pending.get(message.id);
      this.pending.delete(message.id);
      if (message.report === undefined) waiter?.reject(new Error(`The replayed boot: ${message.fault ?? 'no answer'}`));
      else waiter?.resolve(message.report);
    });
    const ended = (why: string): void => {
      for (const { reject } of this.pending.values()) reject(new Error(`The process of the readers ended (${why}).`));
    };
    this.child.on('error', (error) => ended(error.message));
    this.child.on('exit', (code) => ended(String(code)));
  }

  boot(order: Omit<ReplayOrder, 'do'>): Promise<BootReport> {
    return this.tell({ do: 'boot', ...order }) as Promise<BootReport>;
  }

  latency(order: Omit<LatencyOrder, 'do'>): Promise<LatencyReport> {
    return this.tell({ do: 'latency', ...order }) as Promise<LatencyReport>;
  }

  end(): void {
    if (this.child.connected) this.child.disconnect();
  }

  private tell(order: ReplayOrder | LatencyOrder): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const id = ++this.next;
      this.pending.set(id, { resolve, reject });
      this.child.send({ id, order });
    });
  }
}
