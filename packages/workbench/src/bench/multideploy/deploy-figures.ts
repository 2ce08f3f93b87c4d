import { median, type Figure } from '../report';

/** What one deployment is bounded by. */
export interface DeployBounds {
  /** Distinct chunk bytes that the boot reads. */
  readonly bootSetBytes: number;
  readonly linkBytesPerSecond: number;
  /** The boot's own time, where every read is answered at once. */
  readonly ownSeconds: number;
  /** Processor time of one such boot from a local file: the reader and what serves it. */
  readonly localCpuSeconds: number;
  readonly cores: number;
}

/**
 * No deployment can end before: each host has one link for its boot set, the processors have so much to do for all guests
 * even from local files, and the guest takes its own time.
 */
export function idealSeconds(bounds: DeployBounds, guests: number): number {
  const { bootSetBytes, linkBytesPerSecond, ownSeconds, localCpuSeconds, cores } = bounds;
  return Math.max(bootSetBytes / linkBytesPerSecond, (localCpuSeconds * guests) / cores, ownSeconds);
}

/** A baseline bound by the master's link, measured with fewer bytes than it would have to send. */
export interface ScaledTime {
  readonly measuredSeconds: number;
  readonly measuredBytes: number;
  readonly wantedBytes: number;
}

export function scaledSeconds({ measuredSeconds, measuredBytes, wantedBytes }: ScaledTime): number {
  return (measuredSeconds * wantedBytes) / measuredBytes;
}

export interface Bounds {
  readonly must: number | null;
  readonly aim: number | null;
}

interface FigureWish extends Bounds {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly runs: number;
  readonly baseline?: { readonly name: string; readonly value: number };
  readonly ratio?: number;
  readonly better: 'lower' | 'higher';
}

/** A figure whose value is what must hold. */
export function figure({ name, value, unit, runs, baseline, ratio, must, aim, better }: FigureWish): Figure {
  const rounded = three(value);
  const holds = must === null || (better === 'lower' ? rounded <= must : rounded >= must);
  return { name, value: rounded, unit, runs, baseline: baseline === undefined ? null : { name: baseline.name, value: three(baseline.value) }, ratio: ratio === undefined ? null : three(ratio), must, aim, better, holds };
}

/** How many times faster the second is; `must` and `aim` are of that. */
export function speedup(name: string, ours: readonly number[], baseline: { readonly name: string; readonly values: readonly number[] }, bounds: Bounds): Figure {
  const [mine, other] = [median(ours), median(baseline.values)];
  return figure({ name, value: other / mine, unit: '×', runs: Math.min(ours.length, baseline.values.length), baseline: { name: `${baseline.name}, s, against ${mine.toFixed(2)} s`, value: other }, better: 'higher', ...bounds });
}

/** The share of the second's time that the first saves. */
export function saving(name: string, ours: readonly number[], baseline: { readonly name: string; readonly values: readonly number[] }, must: number): Figure {
  const [mine, other] = [median(ours), median(baseline.values)];
  return figure({ name, value: 1 - mine / other, unit: 'of the time', runs: Math.min(ours.length, baseline.values.length), baseline: { name: `${baseline.name}, s, against ${mine.toFixed(2)} s`, value: other }, must, aim: null, better: 'higher' });
}

const three = (value: number): number => Math.round(value * 1000) / 1000;
