import type { Clock, EpochMs } from '@paravcl/shared/clock';
import type { Describe } from '@paravcl/shared/domain/slave';
import type { StoredPulse } from '../repositories/fleet-repository';

/** The figures of a host that every heartbeat tells anew. */
export type Figures = Pick<Describe, 'load1' | 'ramAvailableMiB' | 'poolAvailableMiB'>;

export interface Vitals extends Figures {
  /** The agent's clock when it sent. */
  readonly agentTime: EpochMs;
}

interface Pulse {
  readonly slaveId: string;
  load1: number;
  ramAvailableMiB: number;
  poolAvailableMiB: number;
  clockOffsetMs: number | null;
  heardAtMs: number;
  heardAt: EpochMs;
  dirty: boolean;
}

/**
 * The last signs of life of connected slaves, in memory: thousands of heartbeats every five seconds are
 * not written to the database one by one. The fleet-store job writes what changed, in batches.
 *
 * Bounded by the number of slaves: what a slave says replaces what it said before, written or not, so a
 * database that is slow or away makes this no larger.
 */
export class FleetPulse {
  private readonly pulses = new Map<string, Pulse>();
  /** Those with something unwritten, each once. */
  private changed: Pulse[] = [];
  /** Heartbeats taken since the start. */
  heartbeats = 0;

  constructor(private readonly clock: Clock) {}

  /** An accepted hello. */
  begin(slaveId: string, figures: Figures): void {
    const { load1, ramAvailableMiB, poolAvailableMiB } = figures;
    const known = this.pulses.get(slaveId);
    if (known === undefined) {
      this.pulses.set(slaveId, this.touch({ slaveId, load1, ramAvailableMiB, poolAvailableMiB, clockOffsetMs: null, heardAtMs: 0, heardAt: 0, dirty: false }));
    } else this.set(known, figures);
  }

  /** `arrivedAt`: when the heartbeat came, by our wall clock, however long it waited to be handled. */
  heartbeat(slaveId: string, vitals: Vitals, arrivedAt: EpochMs): void {
    const pulse = this.pulses.get(slaveId);
    if (pulse === undefined) return;
    this.heartbeats++;
    this.set(pulse, vitals);
    // One way of the network is in the offset: good enough to see a clock that is wrong by seconds.
    pulse.clockOffsetMs = vitals.agentTime - arrivedAt;
  }

  /** Of changed describe data, what is a figure of this kind; the clock offset is measured here and not taken from the agent. */
  describe(slaveId: string, changed: Partial<Describe>): void {
    const pulse = this.pulses.get(slaveId);
    if (pulse !== undefined) this.set(pulse, { ...pulse, ...changed });
  }

  /** A frame that changes no figure. */
  heard(slaveId: string): void {
    const pulse = this.pulses.get(slaveId);
    if (pulse !== undefined) this.touch(pulse);
  }

  /** When this run of the master heard of the slave last, in the clock's monotonic time; null when not yet. */
  heardAtMs(slaveId: string): number | null {
    return this.pulses.get(slaveId)?.heardAtMs ?? null;
  }

  /** Newest figures, to be laid over the stored describe data; null when this run has not heard of the slave. */
  latest(slaveId: string): { readonly describe: Partial<Describe>; readonly heardAt: EpochMs } | null {
    const pulse = this.pulses.get(slaveId);
    if (pulse === undefined) return null;
    const { load1, ramAvailableMiB, poolAvailableMiB, clockOffsetMs, heardAt } = pulse;
    return { describe: { load1, ramAvailableMiB, poolAvailableMiB, ...(clockOffsetMs === null ? {} : { clockOffsetMs }) }, heardAt };
  }

  /** What changed since the last call. */
  takeChanged(): readonly StoredPulse[] {
    const { changed } = this;
    this.changed = [];
    return changed.map((pulse) => {
      pulse.dirty = false;
      const { slaveId, heardAt: seenAt, load1, ramAvailableMiB, poolAvailableMiB, clockOffsetMs } = pulse;
      return { slaveId, seenAt, load1, ramAvailableMiB, poolAvailableMiB, clockOffsetMs };
    });
  }

  /** These could not be written: they count as changed again. */
  putBack(pulses: readonly StoredPulse[]): void {
    for (const { slaveId } of pulses) {
      const pulse = this.pulses.get(slaveId);
      if (pulse !== undefined) this.note(pulse);
    }
  }

  /** The slave left the pool. */
  forget(slaveId: string): void {
    this.pulses.delete(slaveId);
  }

  private set(pulse: Pulse, figures: Figures): void {
    pulse.load1 = figures.load1;
    pulse.ramAvailableMiB = figures.ramAvailableMiB;
    pulse.poolAvailableMiB = figures.poolAvailableMiB;
    this.touch(pulse);
  }

  private touch(pulse: Pulse): Pulse {
    pulse.heardAtMs = this.clock.monotonicMs();
    pulse.heardAt = this.clock.now();
    return this.note(pulse);
  }

  private note(pulse: Pulse): Pulse {
    if (!pulse.dirty) this.changed.push(pulse);
    pulse.dirty = true;
    return pulse;
  }
}
