import { fork, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';

/** What the bench asks of the process that plays the fleet. */
export type FleetOrder =
  | { readonly do: 'make'; readonly agents: number }
  | {
      readonly do: 'connect';
      /** Agents `from` to `to` - 1; with 0 it begins anew. */
      readonly from: number;
      readonly to: number;
      readonly host: string;
      readonly port: number;
      readonly path: string;
      readonly caFile: string;
      readonly bare: boolean;
      /** Evenly over this time; null: as agents whose master was away for long and answers now. */
      readonly overMs: number | null;
    }
  | { readonly do: 'hang-up' }
  | { readonly do: 'beat'; readonly perSecond: number; readonly seconds: number }
  /** A heartbeat of agent 0 with this load. */
  | { readonly do: 'mark'; readonly load1: number }
  | { readonly do: 'status' };

export interface FleetReport {
  readonly live: number;
  /** When the last of them became live, UTC ms; null when not all are. */
  readonly allLiveAtMs: number | null;
  /** Connections that ended, by why. */
  readonly downs: Readonly<Record<string, number>>;
  /** Heartbeats of the master that were heard. */
  readonly heard: number;
  readonly sent: number;
  /** Heartbeats that were due and not sent, because the link was down or full. */
  readonly unsent: number;
  /** Since the last `connect`, those that every agent sends by itself included. */
  readonly sentInAll: number;
}

/** The process that plays the fleet, seen from the bench. */
export class FleetProcess {
  private readonly child: ChildProcess;
  private readonly pending = new Map<number, { readonly resolve: (report: FleetReport) => void; readonly reject: (error: Error) => void }>();
  private next = 0;

  constructor() {
    this.child = fork(join(__dirname, 'agent-fleet.js'));
    this.child.on('message', (message: { readonly id: number; readonly report?: FleetReport; readonly fault?: string }) => {
      const waiter = this.pending.get(message.id);
      this.pending.delete(message.id);
      if (message.report === undefined) waiter?.reject(new Error(`The simulated fleet: ${message.fault ?? 'no answer'}`));
      else waiter?.resolve(message.report);
    });
    this.child.on('exit', (code) => {
      for (const { reject } of this.pending.values()) reject(new Error(`The process of the simulated fleet ended (${String(code)}).`));
    });
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  tell(order: FleetOrder): Promise<FleetReport> {
    return new Promise((resolve, reject) => {
      const id = ++this.next;
      this.pending.set(id, { resolve, reject });
      this.child.send({ id, order });
    });
  }

  end(): void {
    this.child.disconnect();
  }
}
