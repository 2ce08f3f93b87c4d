import type { History } from '@paravcl/shared/api/monitoring';

export type Figure = Exclude<keyof History, 'at'>;
export type Value = number | null | undefined;

/** What one plot shows: the second line is dashed. */
export const plots = [
  { name: 'cores', figures: ['load1', 'vcpusPromised'], unit: 'number' },
  { name: 'ram', figures: ['ramUsedMiB', 'ramPromisedMiB'], unit: 'MiB' },
  { name: 'machines', figures: ['running'], unit: 'number' },
  { name: 'connections', figures: ['connections', 'users'], unit: 'number' },
] as const satisfies readonly { readonly name: string; readonly figures: readonly Figure[]; readonly unit: 'number' | 'MiB' }[];
export type Plot = (typeof plots)[number];

/** What the marks of an axis lie apart: whole numbers, and sizes that are told in few digits. */
export const steps: Readonly<Record<Plot['unit'], readonly number[]>> = {
  number: [1, 10, 100, 1000, 10_000, 100_000].flatMap((ten) => [ten, 2 * ten, 5 * ten]),
  MiB: Array.from({ length: 25 }, (_, power) => 64 * 2 ** power),
};

/** Points are a minute apart; further apart than this, or than that many steps, nobody knows what was between. */
const gapSeconds = 150;
const gapSteps = 2.5;
const mostRows = 24;

/** Columns as they are drawn, the times first: a line is broken where nothing was written down. */
export function drawn(history: History, figures: readonly Figure[]): [number[], ...(number | null)[][]] {
  const { at } = history;
  const step = Math.min(...at.slice(1).map((time, index) => time - (at[index] ?? time)));
  const limit = Math.max(gapSeconds, gapSteps * step);
  const times: number[] = [];
  const lines: (number | null)[][] = figures.map(() => []);
  at.forEach((time, index) => {
    const before = at[index - 1];
    if (before !== undefined && time - before > limit) {
      times.push(before + 1);
      for (const line of lines) line.push(null);
    }
    times.push(time);
    figures.forEach((figure, which) => lines[which]?.push(history[figure][index] ?? null));
  });
  return [times, ...lines];
}

export interface Row {
  readonly at: number;
  readonly values: readonly (number | null)[];
}

/** The same as rows, the newest first and always there, and no more than one reads. */
export function rowsOf(history: History, figures: readonly Figure[]): readonly Row[] {
  const { at } = history;
  const step = Math.max(1, Math.ceil(at.length / mostRows));
  return at.map((time, index) => ({ at: time, values: figures.map((figure) => history[figure][index] ?? null) })).filter((_, index) => (at.length - 1 - index) % step === 0).reverse();
}
