import type { Clock } from '@paravcl/shared/clock';
import { sleep } from '@paravcl/shared/clock';
import { HypervisorError, type HypervisorDriver, type HypervisorErrorCode } from '../driver';

/** Calls of the driver that can be delayed, failed or hung. */
export type DriverCall = Exclude<keyof HypervisorDriver, 'onEvent' | 'close'>;

type Fault = { readonly kind: 'fail'; readonly code: HypervisorErrorCode; readonly message: string } | { readonly kind: 'hang' };

/** What goes wrong, and how long things take, in a simulated hypervisor. */
export class Faults {
  private readonly queued = new Map<DriverCall, Fault[]>();
  private readonly delaysMs = new Map<DriverCall, number>();
  private readonly released = new Set<() => void>();

  constructor(
    private readonly clock: Clock,
    delaysMs: Readonly<Partial<Record<DriverCall, number>>> = {},
  ) {
    for (const [call, delay] of Object.entries(delaysMs)) this.delaysMs.set(call as DriverCall, delay);
  }

  /** The next call fails so; several are used up in order. */
  failNext(call: DriverCall, code: HypervisorErrorCode, message = `simulated: ${call} fails with ${code}`): void {
    this.queue(call, { kind: 'fail', code, message });
  }

  /** The next call does not come back until `releaseHung`. */
  hangNext(call: DriverCall): void {
    this.queue(call, { kind: 'hang' });
  }

  /** Lets every hung call go on. */
  releaseHung(): void {
    for (const release of this.released) release();
    this.released.clear();
  }

  /** What is queued and was not met yet does not happen. */
  forgetQueued(): void {
    this.queued.clear();
  }

  /** Every call from now on takes this long. */
  slow(call: DriverCall, delayMs: number): void {
    this.delaysMs.set(call, delayMs);
  }

  /** Waits as told, then throws if a failure is due. */
  async pass(call: DriverCall): Promise<void> {
    const delay = this.delaysMs.get(call) ?? 0;
    if (delay > 0) await sleep(this.clock, delay);
    const fault = this.queued.get(call)?.shift();
    if (fault?.kind === 'fail') throw new HypervisorError(fault.code, fault.message);
    if (fault?.kind === 'hang') await new Promise<void>((resolve) => this.released.add(resolve));
  }

  private queue(call: DriverCall, fault: Fault): void {
    this.queued.set(call, [...(this.queued.get(call) ?? []), fault]);
  }
}
