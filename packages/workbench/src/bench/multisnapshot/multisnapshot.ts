import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { loadavg } from 'node:os';
import { figure } from '../multideploy/deploy-figures';
import { describeHost, median, type BenchReport, type Figure } from '../report';
import { bootFiftieth } from './boot-fiftieth';
import { runBundled } from './bundled-program';
import { deployForty } from './deploy-forty';
import { freezeRunsSchema, type FreezeWish } from './freeze-sixteen';
import { percentile } from './guest-writes';
import { fullGrowth, storedGrowthSchema, type StoredGrowthWish } from './stored-growth';
import { sleeperKernelArguments, writerGuest, writerKernelArguments } from './writer-ramdisk';

type Say = (line: string) => void;

const together = 16;
/** Stalls are pooled over at least so many. */
const leastSnapshots = 10;

/**
 * `npm run bench -- multisnapshot` (DEFINITIONS, "Measuring"): how much a store grows by snapshots; how long 16 real guests take to be frozen
 * together and how it stalls the one of them that writes; what it takes to boot from the 50th snapshot in a row; and forty
 * machines as one deployment. One part after the other; each says how busy the machine is as it begins.
 */
export async function benchMultisnapshot(runs: number, say: Say): Promise<BenchReport> {
  const figures: Figure[] = [];
  for (const [what, part] of [
    ['16 guests frozen together', frozenTogether],
    ['boots from the 50th snapshot', fiftieth],
    ['forty as one deployment', forty],
    ['growth of the store', growth],
  ] as const) {
    say(`${what}; load of the machine in the last minute: ${(loadavg()[0] ?? 0).toFixed(2)}`);
    const found = await part(runs, say);
    figures.push(...found);
    for (const each of found.filter(({ holds }) => !holds)) say(`MISSED: ${each.name} is ${String(each.value)} ${each.unit}, and must be ${each.better === 'lower' ? 'at most' : 'at least'} ${String(each.must)}`);
  }
  return { bench: 'multisnapshot', host: await describeHost('qemu (TCG); the forty machines: none, the simulated guest driver'), figures };
}

async function frozenTogether(runs: number, say: Say): Promise<readonly Figure[]> {
  const { syncMs, runs: frozen } = await inDirectory(async (directory) => {
    const { guest, ramdiskPath } = await writerGuest(directory, say);
    const wish: FreezeWish = {
      directory,
      files: { disk: guest.disk.path, kernel: guest.kernel.path, ramdisk: ramdiskPath },
      busy: writerKernelArguments,
      idle: sleeperKernelArguments,
      guests: together,
      snapshots: Math.max(runs, leastSnapshots),
    };
    return runBundled({ of: 'slave', source: 'bench/freeze-sixteen-program.ts', wish, found: freezeRunsSchema, say });
  });
  const [during, before] = [frozen.flatMap(({ duringUs }) => duringUs), frozen.flatMap(({ beforeUs }) => beforeUs)];
  const p99Ms = (latenciesUs: readonly number[]): number => percentile(latenciesUs, 0.99) / 1000;
  const lostMs = Math.max(...frozen.map(({ clockLostMs }) => clockLostMs));
  say(`writes of the busy guest: ${String(during.length)} during ${String(frozen.length)} snapshots, p99 ${p99Ms(during).toFixed(2)} ms, longest ${(Math.max(...during) / 1000).toFixed(1)} ms; ${String(before.length)} before, p99 ${p99Ms(before).toFixed(2)} ms; its clock fell behind by ${lostMs.toFixed(1)} ms at most`);
  return [
    figure({ name: 'wall_s_16', value: median(frozen.map(({ wallMs }) => wallMs)) / 1000, unit: 's', runs: frozen.length, baseline: { name: 'fdatasync of 4 KiB on the same disk, ms p50', value: syncMs }, must: 3, aim: 0.5, better: 'lower' }),
    figure({
      name: 'stall_excess_p99_ms',
      value: p99Ms(during) - p99Ms(before),
      unit: `ms, of n = ${String(during.length)} writes`,
      runs: frozen.length,
      baseline: { name: `p99 without a snapshot, n = ${String(before.length)}, against ${p99Ms(during).toFixed(2)} ms`, value: p99Ms(before) },
      must: 50,
      aim: 10,
      better: 'lower',
    }),
  ];
}

async function fiftieth(runs: number, say: Say): Promise<readonly Figure[]> {
  const { baseSeconds, fiftiethSeconds, snapshotSeconds } = await bootFiftieth(runs, say);
  const [ours, base] = [median(fiftiethSeconds), median(baseSeconds)];
  say(`a snapshot of one guest is an image after ${median(snapshotSeconds).toFixed(2)} s, the last ten after ${median(snapshotSeconds.slice(-10)).toFixed(2)} s`);
  return [figure({ name: 'boot_50th_ratio', value: ours / base, unit: '×', runs: Math.min(fiftiethSeconds.length, baseSeconds.length), baseline: { name: `from the base image, s, against ${ours.toFixed(2)} s`, value: base }, must: 1.2, aim: 1.05, better: 'lower' })];
}

async function forty(runs: number, say: Say): Promise<readonly Figure[]> {
  const { deploy_40_speedup: speedup, batchMs, oneByOneMs } = await deployForty(runs, say);
  const baseline = { name: `one by one, s, against ${(median(batchMs) / 1000).toFixed(2)} s as one deployment`, value: median(oneByOneMs) / 1000 };
  return [figure({ name: 'deploy_40_speedup', value: speedup, unit: '×', runs: Math.min(batchMs.length, oneByOneMs.length), baseline, must: 3, aim: 10, better: 'higher' })];
}

/** Bytes, not times: once says all. */
async function growth(_runs: number, say: Say): Promise<readonly Figure[]> {
  const found = await inDirectory((directory) => {
    const wish: StoredGrowthWish = { ...fullGrowth, directory };
    return runBundled({ of: 'master', source: 'bench/stored-growth-program.ts', wish, found: storedGrowthSchema, say });
  });
  return [
    figure({ name: 'stored_per_dirtied', value: found.storedPerDirtied, unit: 'bytes kept for each that was written', runs: 1, must: 1.5, aim: 1.1, better: 'lower' }),
    figure({ name: 'clones_16_stored_per_dirtied', value: found.clonesStoredPerDirtied, unit: 'bytes kept for each that was written', runs: 1, must: 0.15, aim: 0.08, better: 'lower' }),
  ];
}

/** Where QEMU's user can walk, and which goes afterwards. */
async function inDirectory<Found>(use: (directory: string) => Promise<Found>): Promise<Found> {
  const directory = await mkdtemp('/var/tmp/pvclf-');
  try {
    await chmod(directory, 0o711);
    return await use(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
