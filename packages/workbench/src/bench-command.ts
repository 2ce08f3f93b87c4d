import { Command } from 'commander';
import { benchConsole } from './bench/console';
import { benchControl } from './bench/control';
import { benchLaunch } from './bench/launch';
import { benchMultideploy } from './bench/multideploy/multideploy';
import { benchMultisnapshot } from './bench/multisnapshot/multisnapshot';
import { benchPortal } from './bench/portal';
import { renderReport, type BenchReport } from './bench/report';
import { benchScheduler } from './bench/scheduler/scheduler';
import { buildDemoGuest } from './guest/demo-guest';
import { privateHostHindrance, runInPrivateHost } from './private-host/private-host';

/** Every bench by its name; each measures its baseline in the same run. */
const benches: Readonly<Record<string, (runs: number, say: (line: string) => void, pictures: string | null) => Promise<BenchReport>>> = {
  launch: benchLaunch,
  control: benchControl,
  console: benchConsole,
  multideploy: benchMultideploy,
  multisnapshot: benchMultisnapshot,
  portal: benchPortal,
  scheduler: benchScheduler,
};

/** They start no guest. */
const guestless: readonly unknown[] = [benchPortal, benchScheduler];

async function main(): Promise<number> {
  const program = new Command('npm run bench --')
    .description('Measures one part beside its baseline, in the same run, inside a private host.')
    .argument('<name>', `one of: ${Object.keys(benches).join(', ')}`)
    .option('--json', 'one object on standard output, progress on standard error', false)
    .option('--runs <number>', 'runs of each arm, at least 5', Number, 5)
    .option('--pictures <directory>', 'where plots go, of a bench that draws some')
    .parse();
  const name = program.args[0] ?? '';
  const { json, runs, pictures } = program.opts<{ json: boolean; runs: number; pictures?: string }>();
  const bench = Object.hasOwn(benches, name) ? benches[name] : undefined;
  if (bench === undefined) {
    process.stderr.write(`There is no bench "${name}". There are: ${Object.keys(benches).join(', ')}.\n`);
    return 2;
  }
  if (!Number.isInteger(runs) || runs < 5) {
    process.stderr.write('A figure is the median of at least 5 runs: --runs 5 or more.\n');
    return 2;
  }
  if (process.env['PARAVCL_PRIVATE_HOST'] !== '1') {
    const command = [process.execPath, __filename, ...process.argv.slice(2)] as const;
    const hindrance = privateHostHindrance(command.slice(1));
    if (hindrance === null) {
      // There is no network inside.
      if (!guestless.includes(bench)) await buildDemoGuest();
      return runInPrivateHost(command);
    }
    process.stderr.write(`${hindrance}\n`);
    return 1;
  }
  const report = await bench(runs, (line) => process.stderr.write(`  ${line}\n`), pictures ?? null);
  process.stdout.write(`${json ? JSON.stringify(report) : renderReport(report)}\n`);
  return report.figures.every((figure) => figure.holds) ? 0 : 1;
}

main().then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    process.exitCode = 1;
  },
);
