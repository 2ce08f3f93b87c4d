/** `npm run lab`: a lab of several hosts on this machine; `--help` says what it can do. */
import { resolve } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { inOrder } from './lab/lab-arguments';
import { askLab, daemonSignals, type DaemonSignal, type LabRequest } from './lab/lab-control';
import { bringUp, endLab } from './lab/lab-life';
import { isAlive, labFiles, LabError, readLabRecord, type LabRecord } from './lab/lab-record';
import { inNamespacesOf, runHere } from './lab/namespaces';
import { privateHostHindrance } from './private-host/private-host';

const defaultDirectory = '/var/tmp/paravcl-lab';

interface UpOptions {
  readonly hosts: number;
  readonly cores: number;
  readonly ramMib: number;
  readonly poolMib: number;
  readonly linkMbps: number;
  readonly port: number;
}

// Whoever listened may have gone, as `head` does: what was begun is done to its end.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
const say = (line: string): void => void process.stdout.write(`${line}\n`);

async function main(): Promise<number> {
  let code = 0;
  const program = new Command('npm run lab --').description('A master and several hosts on this machine, for trying and breaking. As root.').enablePositionalOptions();
  const command = (name: string, description: string): Command =>
    program.command(name).description(description).option('--dir <directory>', 'where the lab lies', defaultDirectory);

  command('up', 'bring a lab up and leave it running (the default)')
    .option('--hosts <number>', 'how many hosts, 1 to 16', number(1, 16), 3)
    .option('--cores <number>', 'cores each host lends', number(1, 4096), 2)
    .option('--ram-mib <number>', 'RAM each host lends', number(128, 1024 * 1024), 2048)
    .option('--pool-mib <number>', "size of each host's pool, in this machine's memory", number(64, 1024 * 1024), 4096)
    .option('--link-mbps <number>', "rate of each host's link", number(1, 100_000), 1000)
    .option('--port <number>', 'port on 127.0.0.1; when it is taken, the next free one', number(1, 65_535), 8443)
    .action(async (options: UpOptions & { dir: string }) => {
      needPrivateHost();
      const { hosts, cores, ramMib: ramMiB, poolMib: poolMiB, linkMbps, port } = options;
      code = await bringUp({ directory: resolve(options.dir), hosts, cores, ramMiB, poolMiB, linkMbps, port }, { say, line: (verb) => lineFor(options.dir, verb) });
    });
  command('status', 'what runs and what not').action(async ({ dir }: { dir: string }) => {
    const record = await runningLab(dir);
    say(`${record.url}, since ${record.startedAt}, in ${resolve(dir)}`);
    await ask(dir, { verb: 'status' });
  });
  command('exec <host> [command...]', 'run a command on a host, or a shell; "master" is the network of the lab itself')
    .passThroughOptions()
    .action(async (host: string, words: readonly string[], { dir }: { dir: string }) => {
      code = await execute(dir, host, words);
    });
  command('kill <target>', 'end it at once: master, database, host-2 (its power), host-2:agent, host-2:mirror, host-2:libvirtd')
    .addOption(new Option('--signal <name>', 'another signal; not for the power of a host').choices(daemonSignals).default('KILL'))
    .action(async (target: string, { dir, signal }: { dir: string; signal: DaemonSignal }) => {
      await ask(dir, { verb: 'kill', target, signal });
    });
  command('start <target>', 'start it again').action(async (target: string, { dir }: { dir: string }) => {
    await ask(dir, { verb: 'start', target });
  });
  command('sleep <seconds>', 'the lab sleeps so long: the time of day of the master and the agents jumps ahead, not that of its shells').action(async (seconds: string, { dir }: { dir: string }) => {
    await ask(dir, { verb: 'sleep', seconds: number(0, 366 * 86_400)(seconds) });
  });
  command('down', 'end the lab and remove everything it made, without asking').action(async ({ dir }: { dir: string }) => {
    needPrivateHost();
    await endLab(resolve(dir), say);
  });

  await program.parseAsync([...inOrder(process.argv.slice(2))], { from: 'user' });
  return code;
}

/** Throws with the way out when this machine or this user cannot make a lab. */
function needPrivateHost(): void {
  const hindrance = privateHostHindrance(process.argv.slice(1));
  if (hindrance === null) return;
  // The private host's sentences, in the words of this command.
  throw new LabError(hindrance.replace(/a private host/i, (words) => (words.startsWith('A') ? 'A lab' : 'a lab')).replace(/Run: sudo .*/, `Run: sudo npm run lab -- ${process.argv.slice(2).join(' ')}`.trimEnd()));
}

async function runningLab(dir: string): Promise<LabRecord> {
  const record = await readLabRecord(resolve(dir));
  if (record === null || !isAlive(record)) throw new LabError(`No lab runs in ${resolve(dir)}. Bring one up: ${lineFor(dir)}${record === null ? '' : ' (what the last one left is removed then)'}`);
  if (record.state === 'making') throw new LabError(`The lab in ${resolve(dir)} is being made since ${record.startedAt}. Wait for it, or end it: ${lineFor(dir, 'down')}`);
  return record;
}

async function ask(dir: string, request: LabRequest): Promise<void> {
  await runningLab(dir);
  const { lines } = await askLab(labFiles(resolve(dir)).control, request);
  for (const line of lines) say(line);
}

/** Runs a command in a host's namespaces with this terminal; answers its exit code. */
async function execute(dir: string, host: string, words: readonly string[]): Promise<number> {
  const { inside, hosts } = await runningLab(dir);
  if (inside === null) throw new LabError('The record of the lab does not say where it runs.');
  if (host !== 'master' && !hosts.includes(host)) throw new LabError(`There is no host ${host} in this lab; there are ${['master', ...hosts].join(', ')}.`);
  const [program = '/bin/bash', ...args] = words[0] === '--' ? words.slice(1) : words;
  let command: [string, ...string[]] = [program, ...args];
  if (host !== 'master') {
    const { pid } = await askLab(labFiles(resolve(dir)).control, { verb: 'where', host });
    if (pid === undefined) throw new LabError(`The lab does not say where ${host} runs.`);
    command = inNamespacesOf(pid, command);
  }
  return runHere(inNamespacesOf(inside.pid, command), { LIBVIRT_DEFAULT_URI: 'qemu:///system' });
}

/** The command line of this lab, for messages. */
function lineFor(dir: string, ...words: readonly string[]): string {
  const where = resolve(dir) === defaultDirectory ? [] : ['--dir', resolve(dir)];
  const rest = [...words, ...where];
  return ['npm run lab', ...(rest.length === 0 ? [] : ['--', ...rest])].join(' ');
}

function number(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!Number.isInteger(value) || value < least || value > most) throw new InvalidArgumentError(`${text} does not fit: it is a whole number from ${String(least)} to ${String(most)}.`);
    return value;
  };
}

// The lab goes on by itself: what connects this command to it must not keep the command alive.
main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    process.stderr.write(`${error instanceof LabError || error instanceof InvalidArgumentError ? error.message : error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    process.exit(1);
  },
);
