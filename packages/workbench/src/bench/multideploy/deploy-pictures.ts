import type { BootTrace } from './boot-trace';
import { svgPlot, type Series } from '../../plot/svg-plot';

/** Medians of one number of guests. Seconds; the baselines in proportion to their scaled times. */
export interface PicturedCount {
  readonly guests: number;
  readonly seconds: number;
  readonly ideal: number;
  readonly nbd: number;
  readonly copy: number;
  readonly sentBytes: number;
}

export interface Pictured {
  readonly trace: BootTrace;
  readonly bootSetBytes: number;
  readonly askedBytes: number;
  readonly imageBytes: number;
  readonly counts: readonly PicturedCount[];
  /** Of the guest that was through last: when each of its reads was answered, ms. */
  readonly recorded: readonly number[];
  readonly unrecorded: readonly number[];
}

const colours = { ours: '#0a7d38', other: '#0b62a4', ideal: '#555', nbd: '#c26a00', copy: '#b01e1e' } as const;
const MiB = 2 ** 20;

/** The pictures of docs/performance.md by their file names. */
export function drawPictures(pictured: Pictured): readonly (readonly [name: string, svg: string])[] {
  const { counts, bootSetBytes, askedBytes, imageBytes } = pictured;
  const guests = counts.map((one) => one.guests);
  const over = (name: string, colour: string, value: (one: PicturedCount) => number, dashed = false): Series => ({ name, colour, dashed, points: counts.map((one) => [one.guests, value(one)] as const) });
  const x = { label: 'guests at once, each on a host of its own', scale: 'logarithmic', marks: guests } as const;
  return [
    [
      'multideploy-time.svg',
      svgPlot({
        title: 'Until the last guest has booted, links of 25 Mbit/s',
        x,
        y: { label: 'seconds', scale: 'logarithmic', marks: [1, 3, 10, 30, 100, 300, 1000, 3000, 10_000] },
        series: [
          over('copies of the image*', colours.copy, (one) => one.copy),
          over('qemu-nbd, no peers*', colours.nbd, (one) => one.nbd),
          over('ParaVCL, cold', colours.ours, (one) => one.seconds),
          over('ideal', colours.ideal, (one) => one.ideal, true),
          { name: '* scaled by bytes', colour: '#888', points: [] },
        ],
      }),
    ],
    [
      'multideploy-egress.svg',
      svgPlot({
        title: 'Bytes that leave the master',
        x,
        y: { label: 'MiB', scale: 'logarithmic', marks: [10, 30, 100, 300, 1000, 3000, 10_000, 30_000] },
        series: [
          over('copies of the image*', colours.copy, (one) => (one.guests * imageBytes) / MiB),
          over('qemu-nbd, no peers*', colours.nbd, (one) => (one.guests * askedBytes) / MiB),
          over('ParaVCL, cold', colours.ours, (one) => one.sentBytes / MiB),
          over('the boot set once', colours.ideal, () => bootSetBytes / MiB, true),
          { name: '* calculated', colour: '#888', points: [] },
        ],
      }),
    ],
    ['multideploy-progress.svg', progress(pictured)],
  ];
}

/** How far the last of all guests is, over time. */
function progress({ trace, recorded, unrecorded, counts }: Pictured): string {
  let own = 0;
  const ownMs = trace.reads.map(({ thinkUs }) => (own += thinkUs / 1000));
  const seconds = Math.ceil(Math.max(...recorded, ...unrecorded, ...ownMs) / 1000);
  const step = Math.max(1, Math.ceil(seconds / 10));
  const marks = Array.from({ length: Math.ceil(seconds / step) + 1 }, (_, index) => index * step);
  const curve = (name: string, colour: string, answeredAtMs: readonly number[], dashed = false): Series => {
    let read = 0;
    const points = trace.reads.map(({ length }, at) => [(answeredAtMs[at] ?? 0) / 1000, (read += length) / MiB] as const);
    return { name, colour, dashed, points: [[0, 0] as const, ...points] };
  };
  return svgPlot({
    title: `What the last of ${String(counts.at(-1)?.guests ?? 0)} guests has read`,
    x: { label: 'seconds', scale: 'linear', marks },
    y: { label: 'MiB', scale: 'linear', marks: [0, 2, 4, 6, 8, 10, 12, 14] },
    series: [curve('bytes at once', colours.ideal, ownMs, true), curve('recorded pattern', colours.ours, recorded), curve('no pattern yet', colours.other, unrecorded)],
  });
}
