import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { Command } from 'commander';
import { DemoReporter } from './demo/demo-reporter';
import { readDemoRecord, runsFor, writeDemoRecord, type DemoRecord } from './demo/demo-record';
import { demoDomains, stopDemo } from './demo/stop-demo';
import { StepLog } from './demo/step-log';
import { walk, type WalkResult } from './demo/walk';
import { buildDemoGuest, type DemoGuest } from './guest/demo-guest';
import { ensureLibvirt, HostSetupError, type LibvirtService } from './host-setup/libvirt-service';
import { Lab } from './lab/lab';
import { labLayout, type LabLayout } from './lab/lab-layout';

interface Options {
  readonly once: boolean;
  readonly json: boolean;
  readonly simulated: boolean;
  readonly stop: boolean;
  readonly yes: boolean;
  readonly state: string;
  readonly host: string;
  readonly port: number;
}

const network = { name: 'paravcl-demo', bridge: 'pvcldemo0', cidr: '10.213.0.0/24' } as const;

async function main(): Promise<number> {
  const program = new Command('npm run demo --')
    .description('Runs the whole of ParaVCL on this machine, step by step, against its real libvirt and QEMU.')
    .option('--once', 'stop everything at the end; exit code 0 when every step held, else 1', false)
    .option('--json', 'one summary on standard output, progress on standard error', false)
    .option('--simulated', 'the simulated driver instead of guests; said in every line', false)
    .option('--stop', 'end a demo that was left running and remove everything it made', false)
    .option('--yes', 'do not ask before guests are removed', false)
    .option('--state <directory>', 'where the demo keeps its things', defaultStateDir())
    .option('--host <address>', 'address the master listens on', '127.0.0.1')
    .option('--port <number>', 'port the master listens on; the next free one is taken', Number, 8443)
    .parse();
  const options = program.opts<Options>();
  return options.stop ? stop(options) : run(options);
}

async function run(options: Options): Promise<number> {
  const earlier = await readDemoRecord(options.state);
  if (earlier !== null) {
    const alive = earlier.processes.some((process) => runsFor(process.pid, options.state));
    process.stderr.write(
      alive
        ? `A demo is running at ${earlier.url} since ${earlier.startedAt}. Use it, or end it first: npm run demo -- --stop\n`
        : `An earlier demo did not end by itself; its things are in ${options.state}. Remove them first: npm run demo -- --stop\n`,
    );
    return 1;
  }
  const out = options.json ? process.stderr : process.stdout;
  const log = new StepLog(out, options.simulated ? '[simulated] ' : '');
  if (options.simulated) log.hypervisor = 'simulated';
  const reporter = new DemoReporter(log, options.json);
  const lab = new Lab({ stateDir: options.state, driver: options.simulated ? 'simulated' : 'libvirt', host: options.host, port: options.port, network });
  let hostService: LibvirtService | null = null;
  let result: WalkResult | null = null;
  const record = (): DemoRecord => ({
    url: lab.url,
    startedAt: new Date().toISOString(),
    driver: lab.options.driver,
    network,
    processes: lab.daemons.map(({ name, pid }) => ({ name, pid })),
    hostDaemons: [...(hostService?.started ?? [])],
  });
  const interrupted = new Promise<never>((_, reject) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => reject(new Error(`interrupted by ${signal}`)));
  });
  interrupted.catch(() => undefined);

  const work = async (): Promise<WalkResult> => {
    let guest: DemoGuest | null = null;
    if (options.simulated) {
      log.say('The simulated driver is used, as asked: no guest runs, nothing below touches libvirt or QEMU.');
    } else {
      hostService = await log.step('libvirt and QEMU answer', async (detail) => {
        const service = await ensureLibvirt((line) => log.say(`    ${line}`));
        detail(service.version);
        return service;
      });
      guest = await log.step('the demo guest is built', async (detail) => {
        const built = await buildDemoGuest({ onProgress: (line) => log.say(`    ${line}`) });
        detail(`Debian kernel ${built.recipe.kernelRelease}, busybox, a disk of its own`);
        return built;
      });
    }
    await log.step('the master starts', async (detail) => {
      await lab.prepare();
      await writeDemoRecord(options.state, record());
      await lab.startMaster();
      await writeDemoRecord(options.state, record());
      detail(`${lab.url}, TLS by its own CA, with a private MariaDB`);
    });
    return walk(lab, log, guest);
  };

  let failure: unknown = null;
  try {
    result = await Promise.race([work(), interrupted]);
  } catch (error) {
    failure = error;
  }
  if (await readDemoRecord(options.state)) await writeDemoRecord(options.state, record());
  const layout = labLayout(options.state);
  if (failure !== null) reporter.failed(failure, failure instanceof HostSetupError ? null : layout);
  if (failure !== null && options.once) await keepLogs(layout, (directory) => log.say(`Their logs are kept in ${directory}.`));

  const interruptedNow = failure instanceof Error && failure.message.startsWith('interrupted');
  if (options.once || interruptedNow) {
    await log.step('everything stopped and removed', async (detail) => {
      await stopDemo(options.state, record(), () => undefined);
      detail(`${options.state} is gone`);
    });
  } else if (result !== null) {
    reporter.leftRunning(lab, result);
  } else if (await readDemoRecord(options.state)) {
    log.say('Left as it is, to look at. Remove everything: npm run demo -- --stop');
  }
  return reporter.summary(failure);
}

/** What `--once` removes at its end is what explains a failure. */
async function keepLogs(layout: LabLayout, say: (directory: string) => void): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'paravcl-demo-logs-'));
  const copied = await Promise.all(
    [layout.masterLog, layout.agentLog].map((file) => copyFile(file, join(directory, basename(file))).then(() => true, () => false)),
  );
  if (copied.includes(true)) say(directory);
  else await rm(directory, { recursive: true });
}

async function stop(options: Options): Promise<number> {
  const say = (line: string): void => void process.stderr.write(`  ${line}\n`);
  const record = await readDemoRecord(options.state);
  if (record === null) {
    process.stderr.write(`No demo in ${options.state}.\n`);
    return 0;
  }
  const domains = record.driver === 'libvirt' ? await demoDomains(options.state) : [];
  if (domains.length > 0 && !options.yes && !(await agrees(domains.map((domain) => domain.name)))) {
    process.stderr.write('Nothing was stopped.\n');
    return 1;
  }
  await stopDemo(options.state, record, say);
  return 0;
}

async function agrees(names: readonly string[]): Promise<boolean> {
  const what = `This removes ${names.length === 1 ? 'the guest' : `${String(names.length)} guests`} ${names.join(', ')} with disk and saved RAM.`;
  if (!process.stdin.isTTY) {
    process.stderr.write(`${what} Say that you mean it: npm run demo -- --stop --yes\n`);
    return false;
  }
  const ask = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await ask.question(`${what} Go on? [y/N] `)).trim());
  } finally {
    ask.close();
  }
}

/** QEMU's user must be able to walk there, which it cannot in a home directory. */
function defaultStateDir(): string {
  return process.getuid?.() === 0 ? '/var/lib/paravcl-demo' : `/var/tmp/paravcl-demo-${process.env['USER'] ?? hostname()}`;
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
