import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { buildDemoGuest, type DemoGuest } from '../guest/demo-guest';
import { ensureLibvirt, type LibvirtService } from '../host-setup/libvirt-service';
import { Lab } from '../lab/lab';
import { labLayout } from '../lab/lab-layout';
import { demoNetwork, networkNames } from './demo-network';
import { claimStateDirectory, readDemoRecord, writeDemoRecord, type DemoRecord } from './demo-record';
import { DemoReporter } from './demo-reporter';
import { StepLog } from './step-log';
import { stopDemo } from './stop-demo';
import { walk, type WalkResult } from './walk';

export interface DemoOptions {
  readonly once: boolean;
  readonly json: boolean;
  readonly simulated: boolean;
  readonly state: string;
  readonly host: string;
  readonly port: number;
  /** The command that ends this demo. */
  readonly stopCommand: string;
}

/** Runs the demo; answers the exit code. */
export async function runDemo(options: DemoOptions): Promise<number> {
  const { state } = options;
  const earlier = await readDemoRecord(state);
  if (earlier !== null) {
    const what = earlier.state === 'complete' ? `A demo is running at ${earlier.url} since ${earlier.startedAt}. Use it, or end it first` : `A demo is being made in ${state}, or was cut off. End it first`;
    process.stderr.write(`${what}: ${options.stopCommand}\n`);
    return 1;
  }
  const log = new StepLog(options.json ? process.stderr : process.stdout, options.simulated ? '[simulated] ' : '');
  if (options.simulated) log.hypervisor = 'simulated';
  const reporter = new DemoReporter(log, options.json, options.stopCommand);

  let failure: unknown = null;
  let lab: Lab | null = null;
  let result: WalkResult | null = null;
  try {
    result = await Promise.race([make(options, log, (made) => (lab = made)), interruption()]);
  } catch (error) {
    failure = error;
    // What was under way when the user stopped it did not fail: it is not told of.
    log.dropPending();
  }
  const record = await readDemoRecord(state);
  if (failure !== null) reporter.failed(failure);
  if (record !== null && (options.once || failure instanceof Interrupted)) {
    if (failure !== null && !(failure instanceof Interrupted)) await keepLogs(state, (directory) => log.say(`What the daemons said is kept in ${directory}`));
    await log.step('everything stopped and removed', async (detail) => {
      await stopDemo(state, record, (line) => detail(line));
    });
  } else if (record !== null && lab !== null && result !== null) {
    await writeDemoRecord(state, { ...record, state: 'complete' });
    reporter.leftRunning(lab, result);
  } else if (record !== null) {
    reporter.leftFailed(labLayout(state));
  }
  return reporter.summary(failure);
}

/** Everything up to the end of the walk. The record is written before anything is made that has to be removed. */
async function make(options: DemoOptions, log: StepLog, onLab: (lab: Lab) => void): Promise<WalkResult> {
  let guest: DemoGuest | null = null;
  let service: LibvirtService | null = null;
  if (options.simulated) {
    log.say('The simulated driver is used, as asked: no guest runs, nothing below touches libvirt or QEMU.');
  } else {
    service = await log.step('libvirt and QEMU answer', async (detail) => {
      const answering = await ensureLibvirt((line) => log.say(`    ${line}`));
      detail(answering.version);
      return answering;
    });
  }
  const network = demoNetwork(options.simulated ? [] : await networkNames());
  const lab = new Lab({ stateDir: options.state, driver: options.simulated ? 'simulated' : 'libvirt', host: options.host, port: options.port, network });
  onLab(lab);
  const record: DemoRecord = {
    state: 'making',
    url: '',
    startedAt: new Date().toISOString(),
    driver: lab.options.driver,
    network,
    hostDaemons: [...(service?.started ?? [])],
  };
  await claimStateDirectory(options.state, record);
  if (!options.simulated) {
    guest = await log.step('the demo guest is built', async (detail) => {
      const built = await buildDemoGuest({ onProgress: (line) => log.say(`    ${line}`) });
      detail(`Debian kernel ${built.recipe.kernelRelease}, busybox, a disk of its own`);
      return built;
    });
  }
  await log.step('the master starts', async (detail) => {
    await lab.prepare();
    await writeDemoRecord(options.state, { ...record, url: lab.url });
    await lab.startMaster();
    detail(`${lab.url}, TLS by its own CA, with a private MariaDB`);
  });
  return walk(lab, log, guest);
}

class Interrupted extends Error {
  override readonly name = 'Interrupted';
}

function interruption(): Promise<never> {
  return new Promise((_, reject) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => reject(new Interrupted(`Interrupted by ${signal}.`)));
  });
}

/** What `--once` removes at its end is what explains a failure. */
async function keepLogs(state: string, say: (directory: string) => void): Promise<void> {
  const { masterLog, agentLog, mirrorLog } = labLayout(state);
  const directory = await mkdtemp(join(tmpdir(), 'paravcl-demo-logs-'));
  const copied = await Promise.all([masterLog, agentLog, mirrorLog].map((file) => copyFile(file, join(directory, basename(file))).then(() => true, () => false)));
  if (copied.includes(true)) say(directory);
  else await rm(directory, { recursive: true });
}
