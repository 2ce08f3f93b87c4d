import { userInfo } from 'node:os';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { Command, InvalidArgumentError } from 'commander';
import { readDemoRecord, StateDirectoryError } from './demo/demo-record';
import { runDemo } from './demo/run-demo';
import { demoDomains, stopDemo } from './demo/stop-demo';

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

async function main(): Promise<number> {
  const ordinary = defaultStateDir();
  const options = new Command('npm run demo --')
    .description('Runs the whole of ParaVCL on this machine, step by step, against its real libvirt and QEMU.')
    .option('--once', 'stop everything at the end; exit code 0 when every step held, else 1', false)
    .option('--json', 'one summary on standard output, progress on standard error', false)
    .option('--simulated', 'the simulated driver instead of guests; said in every line', false)
    .option('--stop', 'end a demo that was left running and remove everything it made', false)
    .option('--yes', 'with --stop: do not ask before guests are removed', false)
    .option('--state <directory>', 'a new or empty directory for what the demo makes', ordinary)
    .option('--host <address>', 'address the master listens on', '127.0.0.1')
    .option('--port <number>', 'port the master listens on; when it is taken, the next free one', portNumber, 8443)
    .allowExcessArguments(false)
    .parse()
    .opts<Options>();
  const state = resolve(options.state);
  const stopCommand = `npm run demo -- --stop${state === ordinary ? '' : ` --state ${state}`}`;
  return options.stop ? stop(state, options.yes, stopCommand) : runDemo({ ...options, state, stopCommand });
}

function portNumber(text: string): number {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 1 || port > 65_535) throw new InvalidArgumentError('A port is a number from 1 to 65535.');
  return port;
}

async function stop(state: string, yes: boolean, stopCommand: string): Promise<number> {
  const say = (line: string): void => void process.stderr.write(`  ${line}\n`);
  const record = await readDemoRecord(state);
  if (record === null) {
    process.stderr.write(`No demo in ${state}. Another directory is named with --state.\n`);
    return 0;
  }
  const domains = record.driver === 'libvirt' ? await demoDomains(state) : [];
  if (domains.length > 0 && !yes && !(await agrees(domains.map((domain) => domain.name), stopCommand))) {
    process.stderr.write('Nothing was stopped.\n');
    return 1;
  }
  await stopDemo(state, record, say);
  return 0;
}

async function agrees(names: readonly string[], stopCommand: string): Promise<boolean> {
  const what = `This removes ${names.length === 1 ? 'the guest' : `${String(names.length)} guests`} ${names.join(', ')} with disk and saved RAM.`;
  if (!process.stdin.isTTY) {
    process.stderr.write(`${what} Say that you mean it: ${stopCommand} --yes\n`);
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
  const { uid, username } = userInfo();
  return uid === 0 ? '/var/lib/paravcl-demo' : `/var/tmp/paravcl-demo-${username}`;
}

main().then(
  (code) => {
    // What a part of the demo that did not end left open must not keep the command alive: it has said how it ended.
    process.exit(code);
  },
  (error: unknown) => {
    process.stderr.write(`${error instanceof StateDirectoryError ? error.message : error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    process.exit(1);
  },
);
