import type { Clock, EpochMs } from '@paravcl/shared/clock';
import type { Describe } from '@paravcl/shared/domain/slave';

export interface Vitals {
  readonly load1: number;
  readonly ramAvailableMiB: number;
  readonly poolAvailableMiB: number;
  /** The agent's clock when it sent. */
  readonly agentTime: EpochMs;
}

interface Pulse {
  describe: Describe;
  heardAtMs: number;
  heardAt: EpochMs;
  dirty: boolean;
}

/**
 * The last signs of life of connected slaves, in memory: thousands of heartbeats every five seconds are
 * not written to the database one by one. What it holds is stored now and then by the fleet-store job,
 * and lost without harm: a slave tells everything again with its next hello.
 */
export class FleetPulse {
  private readonly pulses = new Map<string, Pulse>();

  constructor(private readonly clock: Clock) {}

  /** An accepted hello, whose describe data is stored already. */
  begin(slaveId: string, describe: Describe): void {
    this.pulses.set(slaveId, { describe, heardAtMs: this.clock.monotonicMs(), heardAt: this.clock.now(), dirty: false });
  }

  heartbeat(slaveId: string, vitals: Vitals): void {
    const { agentTime, ...figures } = vitals;
    // One way of the network is in the offset: good enough to see a clock that is wrong by seconds.
    this.change(slaveId, { ...figures, clockOffsetMs: agentTime - this.clock.now() });
  }

  /** Changed parts of the describe data; the clock offset is measured here and not taken from the agent. */
  describe(slaveId: string, changed: Partial<Describe>): void {
    const offset = this.pulses.get(slaveId)?.describe.clockOffsetMs ?? null;
    this.change(slaveId, { ...changed, clockOffsetMs: offset });
  }

  /** A frame that changes no figure. */
  heard(slaveId: string): void {
    this.change(slaveId, null);
  }

  /** When this run of the master heard of the slave last, in the clock's monotonic time; null when not yet. */
  heardAtMs(slaveId: string): number | null {
    return this.pulses.get(slaveId)?.heardAtMs ?? null;
  }

  /** Newest figures; null when this run has not heard of the slave. */
  latest(slaveId: string): { readonly describe: Describe; readonly heardAt: EpochMs } | null {
    return this.pulses.get(slaveId) ?? null;
  }

  /** What changed since the last call. */
  takeChanged(): { readonly slaveId: string; readonly describe: Describe; readonly heardAt: EpochMs }[] {
    const changed = [...this.pulses].filter(([, pulse]) => pulse.dirty);
    for (const [, pulse] of changed) pulse.dirty = false;
    return changed.map(([slaveId, { describe, heardAt }]) => ({ slaveId, describe, heardAt }));
  }

  /** The slave left the pool. */
  forget(slaveId: string): void {
    this.pulses.delete(slaveId);
  }

  private change(slaveId: string, figures: Partial<Describe> | null): void {
    const pulse = this.pulses.get(slaveId);
    if (pulse === undefined) return;
    pulse.heardAtMs = this.clock.monotonicMs();
    pulse.heardAt = this.clock.now();
    pulse.dirty = true;
    if (figures !== null) pulse.describe = { ...pulse.describe, ...figures };
  }
}
