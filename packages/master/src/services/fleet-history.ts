import type { EpochMs } from '@paravcl/shared/clock';

/** What is kept of a moment, in this order in the rings. */
export const historyFigures = ['vcpusPromised', 'load1', 'ramPromisedMiB', 'ramUsedMiB', 'running', 'connections', 'users'] as const;
export type HistoryFigure = (typeof historyFigures)[number];

/** Null: not known then. */
export type Sample = Readonly<Record<HistoryFigure, number | null>>;
export type Columns = Readonly<Record<HistoryFigure, (number | null)[]>> & { readonly at: number[] };

/** A day at one a minute. */
const samplesKept = 24 * 60;
/** More points than a plot has pixels for are thinned out. */
const mostPoints = 360;
/** Of so many slaves: about 90 KiB each. */
export const mostSlavesKept = 500;

/** The newest samples of one subject; the oldest makes room. */
class Ring {
  private readonly times = new Float64Array(samplesKept);
  /** 64 bits, so that the MiB of a large pool are whole. */
  private readonly values = new Float64Array(samplesKept * historyFigures.length);
  private next = 0;
  private count = 0;

  push(at: EpochMs, sample: Sample): void {
    this.times[this.next] = at;
    historyFigures.forEach((figure, index) => (this.values[this.next * historyFigures.length + index] = sample[figure] ?? NaN));
    this.next = (this.next + 1) % samplesKept;
    this.count = Math.min(this.count + 1, samplesKept);
  }

  newestAt(): EpochMs {
    return this.times[(this.next + samplesKept - 1) % samplesKept] ?? 0;
  }

  /** Every n-th from the newest back, so that the newest is always among them. */
  since(from: EpochMs): Columns {
    const slots = Array.from({ length: this.count }, (_, age) => (this.next + samplesKept - this.count + age) % samplesKept).filter((slot) => (this.times[slot] ?? 0) >= from);
    const step = Math.max(1, Math.ceil(slots.length / mostPoints));
    const shown = slots.filter((_, index) => (slots.length - 1 - index) % step === 0);
    const column = (index: number): (number | null)[] =>
      shown.map((slot) => {
        const value = this.values[slot * historyFigures.length + index] ?? NaN;
        return Number.isNaN(value) ? null : value;
      });
    const columns = Object.fromEntries(historyFigures.map((figure, index) => [figure, column(index)])) as Record<HistoryFigure, (number | null)[]>;
    return { at: shown.map((slot) => Math.floor((this.times[slot] ?? 0) / 1000)), ...columns };
  }
}

/** The last day of every slave and of the site, a sample a minute, in memory: plots are for looking, and a restart begins them anew. */
export class FleetHistory {
  private readonly site = new Ring();
  private readonly slaves = new Map<string, Ring>();

  /** @param startedAt since when there is something */
  constructor(readonly startedAt: EpochMs) {}

  record(at: EpochMs, site: Sample, slaves: ReadonlyMap<string, Sample>): void {
    this.site.push(at, site);
    for (const [id, ring] of this.slaves) if (!slaves.has(id) && at - ring.newestAt() > samplesKept * 60_000) this.slaves.delete(id);
    for (const [id, sample] of slaves) this.ringOf(id)?.push(at, sample);
  }

  /** Null: nothing is kept of this slave. Of the site when it is null. */
  since(slaveId: string | null, from: EpochMs): Columns | null {
    return (slaveId === null ? this.site : this.slaves.get(slaveId))?.since(from) ?? null;
  }

  /** Of a slave that comes now nothing is kept. */
  get isFull(): boolean {
    return this.slaves.size >= mostSlavesKept;
  }

  private ringOf(slaveId: string): Ring | null {
    const known = this.slaves.get(slaveId);
    if (known !== undefined) return known;
    if (this.isFull) return null;
    const ring = new Ring();
    this.slaves.set(slaveId, ring);
    return ring;
  }
}
