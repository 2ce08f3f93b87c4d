import { execFile } from 'node:child_process';
import { cpus, release, totalmem } from 'node:os';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** One measured figure beside its baseline of the same run (DESIGN §8). */
export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly runs: number;
  readonly baseline: { readonly name: string; readonly value: number } | null;
  readonly ratio: number | null;
  readonly must: number | null;
  readonly aim: number | null;
  readonly better: 'lower' | 'higher';
  /** Whether `must` holds; true when there is none. */
  readonly holds: boolean;
}

export interface BenchReport {
  readonly bench: string;
  readonly host: {
    readonly cpu: string;
    readonly cores: number;
    readonly ramGiB: number;
    readonly kernel: string;
    readonly hypervisor: string;
    readonly node: string;
    readonly mariadb: string;
    readonly qemu: string;
  };
  readonly figures: readonly Figure[];
}

/** The middle of the values; of an even number the mean of the two middle ones. Throws when there are none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)];
  const lower = sorted[Math.ceil(sorted.length / 2) - 1];
  if (upper === undefined || lower === undefined) throw new RangeError('A median needs at least one value.');
  return (upper + lower) / 2;
}

/** A figure that is the ratio of two medians taken in the same run, in seconds; lower is better. */
export function ratioFigure(
  name: string,
  ours: readonly number[],
  baseline: { readonly name: string; readonly values: readonly number[] },
  bounds: { readonly must: number; readonly aim: number },
): Figure {
  const value = median(ours);
  const base = median(baseline.values);
  const ratio = round(value / base);
  return {
    name,
    value: round(value),
    unit: 's',
    runs: Math.min(ours.length, baseline.values.length),
    baseline: { name: baseline.name, value: round(base) },
    ratio,
    must: bounds.must,
    aim: bounds.aim,
    better: 'lower',
    holds: ratio <= bounds.must,
  };
}

/** The machine a report was taken on. */
export async function describeHost(hypervisor: string): Promise<BenchReport['host']> {
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    ramGiB: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    hypervisor,
    node: process.version,
    mariadb: await firstLine('mariadbd', ['--version']),
    qemu: await firstLine('qemu-system-x86_64', ['--version']),
  };
}

/** The report for people: one line a figure. */
export function renderReport(report: BenchReport): string {
  const { host } = report;
  const lines = report.figures.map((figure) => {
    const base = figure.baseline === null ? '' : `  against ${figure.baseline.value} ${figure.unit} (${figure.baseline.name})`;
    const ratio = figure.ratio === null ? '' : `  ratio ${figure.ratio}`;
    const must = figure.must === null ? '' : `  must ${figure.better === 'lower' ? '≤' : '≥'} ${figure.must}, aim ${figure.aim ?? '–'}`;
    return `  ${figure.holds ? '✓' : '✗'} ${figure.name}: ${figure.value} ${figure.unit}${base}${ratio}${must}  (median of ${figure.runs})`;
  });
  return [`${report.bench} on ${host.cpu}, ${host.cores} cores, ${host.hypervisor}, Node ${host.node}`, ...lines].join('\n');
}

const round = (value: number): number => Math.round(value * 1000) / 1000;

async function firstLine(command: string, args: readonly string[]): Promise<string> {
  const { stdout } = await run(command, args, { env: { ...process.env, LC_ALL: 'C' } });
  return stdout.split('\n')[0] ?? '';
}
