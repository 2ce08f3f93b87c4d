import { figure } from '../multideploy/deploy-figures';
import { describeHost, median, type BenchReport } from '../report';
import { deployForty } from './deploy-forty';

/** What `npm run bench -- multisnapshot` is to measure and does not yet. */
const missing = ['stored_per_dirtied', 'growth of 16 clones', 'stall_excess_p99_ms', 'wall_s_16', 'boot from the 50th snapshot'] as const;

/** `npm run bench -- multisnapshot` (DEFINITIONS, "Measuring"): so far the deployment of forty machines alone; it says what is not there yet. */
export async function benchMultisnapshot(runs: number, say: (line: string) => void): Promise<BenchReport> {
  say(`not measured yet: ${missing.join(', ')}`);
  const { deploy_40_speedup: speedup, batchMs, oneByOneMs } = await deployForty(runs, say);
  const baseline = { name: `one by one, s, against ${(median(batchMs) / 1000).toFixed(2)} s as one deployment`, value: median(oneByOneMs) / 1000 };
  return {
    bench: 'multisnapshot',
    host: await describeHost('none: the simulated guest driver'),
    figures: [figure({ name: 'deploy_40_speedup', value: speedup, unit: '×', runs: Math.min(batchMs.length, oneByOneMs.length), baseline, must: 3, aim: 10, better: 'higher' })],
  };
}
