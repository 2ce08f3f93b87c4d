import { tellBytes } from '../output/sizes';

/** One moment of a transfer. */
interface Moment {
  readonly bytes: number;
  readonly atMs: number;
}

/** Over this time the rate is taken: long enough to be calm, short enough to be true. */
const rateOverMs = 5_000;
const barWidth = 20;

/** How far a transfer is, as one line: a bar, bytes, rate and what is left. */
export class TransferLine {
  private moments: readonly Moment[] = [];

  constructor(
    private readonly verb: string,
    private readonly totalBytes: number,
    private readonly unicode: boolean,
  ) {}

  /** Whole percent, never 100 before the end. */
  percent(bytes: number): number {
    return Math.min(100, Math.floor((bytes / this.totalBytes) * 100));
  }

  at(bytes: number, atMs: number): string {
    const last = this.moments.at(-1);
    // Gone back: it goes on where the other side has it.
    const kept = last !== undefined && bytes < last.bytes ? [] : this.moments;
    this.moments = [...kept.filter((one) => atMs - one.atMs <= rateOverMs), { bytes, atMs }];
    const percent = this.percent(bytes);
    const full = Math.round((percent / 100) * barWidth);
    const [filled, empty] = this.unicode ? ['█', '░'] : ['#', '-'];
    return `${this.verb} [${filled.repeat(full)}${empty.repeat(barWidth - full)}] ${String(percent)} %, ${tellBytes(bytes)} of ${tellBytes(this.totalBytes)}${this.pace(bytes)}`;
  }

  private pace(bytes: number): string {
    const [first, last] = [this.moments[0], this.moments.at(-1)];
    if (first === undefined || last === undefined || last.atMs - first.atMs < 1_000 || last.bytes === first.bytes) return '';
    const perSecond = ((last.bytes - first.bytes) / (last.atMs - first.atMs)) * 1000;
    return `, ${tellBytes(Math.round(perSecond))}/s, ${spanOf((this.totalBytes - bytes) / perSecond)} left`;
  }
}

function spanOf(seconds: number): string {
  if (seconds < 90) return `${String(Math.ceil(seconds))} s`;
  return seconds < 90 * 60 ? `${String(Math.ceil(seconds / 60))} min` : `${(seconds / 3600).toFixed(1)} h`;
}
