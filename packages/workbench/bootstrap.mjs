/**
 * Entry of `npm run demo`, `lab`, `simulate`, `bench`, `test:system` and `test:model` and of `npm test`, also from a fresh clone: nothing here may need an npm
 * package or a build. Brings the machine to where the command can run, then runs it:
 *
 *   1. Node is new enough.
 *   2. node_modules is what package-lock.json says, else `npm ci`.
 *   3. The Debian packages are there, else they are installed (root) or the one command is printed (exit code 1).
 *   4. What is built is newer than its sources, else it is built.
 *   5. dist/<command>, with the rest of the arguments; its exit code is ours.
 *
 * `setup` instead of a command does 1 to 4 and stops: for build machines.
 *
 * Everything it says goes to standard error; standard output belongs to the command.
 */
import { spawn } from 'node:child_process';
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { installCommand, missingPackages } from './debian-packages.mjs';
import { step } from './progress.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const leastNode = [20, 19];

const commands = {
  demo: {
    entry: 'demo-command.js',
    usage: `npm run demo -- [options]
  Runs the whole of ParaVCL on this machine, step by step, against its real libvirt and QEMU.
  --once             stop everything at the end; exit code 0 when every step held, else 1
  --json             one summary on standard output, progress on standard error
  --simulated        the simulated driver instead of guests; said in every line
  --stop             end a demo that was left running and remove everything it made
  --yes              with --stop: do not ask before guests are removed
  --state DIRECTORY  a new or empty directory for what the demo makes (/var/lib/paravcl-demo)
  --host ADDRESS     address the master listens on (127.0.0.1)
  --port NUMBER      port the master listens on; when it is taken, the next free one (8443)`,
  },
  test: {
    entry: 'test-command.js',
    usage: `npm test -- [--only unit|integration|browser|host|long|faults] [-t PATTERN]
  Unit tests, integration tests against a real MariaDB, then the portal in a browser; beside them libvirt and QEMU tests
  inside a private host.
  --only SUITE  only this suite; long and faults run only when they are asked for (npm run test:long, npm run test:faults)
  -t PATTERN    only tests whose name matches
  Last line: N passed, N failed.`,
  },
  lab: {
    needsRoot: true,
    entry: 'lab-command.js',
    usage: `npm run lab -- [COMMAND] [options]
  A master and several hosts on this machine, each host with its own libvirt, agent, addresses and disks, in
  namespaces that end as one: nothing of it is seen on this machine's own network or by its own libvirt. As root.

  up [--hosts N]            the default: brings the lab up and leaves it running (3 hosts)
     --port NUMBER          port on 127.0.0.1 the master is reached at; when it is taken, the next free one (8443)
     --cores N --ram-mib N  what each host lends (2 cores, 2048 MiB)
     --pool-mib N           size of each host's pool, in this machine's memory (4096)
     --link-mbps N          rate of each host's link (1000)
  status                    what runs and what not
  exec HOST [-- COMMAND…]   runs a command on a host, or a shell; HOST "master" is the lab's network itself
  kill TARGET               ends it at once; TARGET: master, database, host-2 (its power), host-2:agent, host-2:libvirtd
     --signal NAME          KILL (the default), TERM, STOP or CONT; not for a host's power
  start TARGET              starts it again
  sleep SECONDS             the lab sleeps: the time of day of master and agents jumps ahead
  down                      ends the lab and removes everything it made, without asking

  --dir DIRECTORY           with every command: where the lab lies (/var/tmp/paravcl-lab)`,
  },
  system: {
    needsRoot: true,
    entry: 'system-test-command.js',
  },
  model: {
    entry: 'model-test-command.js',
    usage: `npm run test:model -- [options]
  Tries every property and model of the scheduler with that many drawn worlds; those that name their own number keep it.
  --runs NUMBER  worlds for each (20000)
  --seed NUMBER  draws the same again (a new one, printed)
  Last line: N passed, N failed.`,
  },
  simulate: {
    // Nothing runs but Node.
    needsPackages: false,
    entry: 'simulate-command.js',
    usage: `npm run simulate -- [options]
  Plays a term of classes, deadlines and nights under several policies with the master's own scheduler, prints a table and
  writes report.html with plots (docs/simulation.md).
  --days NUMBER      days to play, from a Monday on, at most 366 (30)
  --slaves NUMBER    hosts, at most 1000 (40)
  --students NUMBER  students, at most 10000 (400)
  --seed NUMBER      the same seed draws the same term (7)
  --policy NAMES     only these, with commas between: para, fifo, no-preemption
  --out DIRECTORY    where report.html goes; made when it is not there (a new directory)
  --json             one object on standard output, progress on standard error`,
  },
  bench: {
    entry: 'bench-command.js',
    usage: `npm run bench -- NAME [options]
  Measures one part beside its baseline, in the same run, inside a private host. NAME: launch, control,
  multideploy, multisnapshot or portal (docs/performance.md).
  --json         one object on standard output, progress on standard error
  --runs NUMBER  runs of each arm, at least 5 (5)`,
  },
};

/** What this program itself found wrong: the message is for the user, without a stack. */
class SetupError extends Error {}

async function main() {
  const [name = '', ...args] = process.argv.slice(2);
  if (name === 'setup') {
    await setUp();
    return 0;
  }
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command === undefined) throw new SetupError(`Usage: node packages/workbench/bootstrap.mjs ${Object.keys(commands).join('|')}|setup [options]`);
  // Behind `--` stands somebody else's command line.
  const ours = args.includes('--') ? args.slice(0, args.indexOf('--')) : args;
  if (command.usage !== undefined && (ours.includes('--help') || ours.includes('-h'))) {
    process.stdout.write(`${command.usage}\n`);
    return 0;
  }
  // Said before minutes of installing.
  if (command.needsRoot === true && process.getuid?.() !== 0) {
    const script = name === 'system' ? 'test:system' : name;
    throw new SetupError(`Namespaces need root. Run: sudo npm run ${script}${args.length === 0 ? '' : ` -- ${args.join(' ')}`}`);
  }
  await setUp(command.needsPackages !== false);
  const entry = join(root, 'packages', 'workbench', 'dist', command.entry);
  if (!existsSync(entry)) throw new SetupError(`There is no ${name} command yet: ${entry} is not built.`);
  return handOver(entry, args);
}

async function setUp(needsPackages = true) {
  checkNode();
  if (!npmPackagesMatch()) await step('npm packages', installNpmPackages);
  if (needsPackages) await ensureDebianPackages();
  if (buildIsStale()) await step('build', build);
  // All went well: nobody will read what was said.
  if (logDirectory !== undefined) rmSync(logDirectory, { recursive: true, force: true });
  logDirectory = undefined;
}

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > leastNode[0] || (major === leastNode[0] && minor >= leastNode[1])) return;
  throw new SetupError(`ParaVCL needs Node ${leastNode.join('.')} or newer; this is ${process.versions.node}. See https://nodejs.org/en/download`);
}

/**
 * Whether node_modules holds the versions of package-lock.json. Compared by content with the record npm leaves there:
 * file times change with every checkout, and `npm ci` removes everything first.
 */
function npmPackagesMatch() {
  try {
    const wanted = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages;
    const found = JSON.parse(readFileSync(join(root, 'node_modules', '.package-lock.json'), 'utf8')).packages;
    return Object.entries(wanted).every(([path, entry]) => {
      if (!path.startsWith('node_modules/')) return true;
      if (found[path] === undefined) return entry.optional === true || entry.devOptional === true || entry.peer === true;
      return found[path].version === entry.version && found[path].integrity === entry.integrity && existsSync(join(root, path));
    });
  } catch {
    return false;
  }
}

async function installNpmPackages() {
  // npm is a script of the Node that runs us where npm started us; else whichever is on PATH.
  const npm = process.env.npm_execpath;
  const [program, ...first] = npm?.endsWith('.js') ? [process.execPath, npm] : ['npm'];
  await runLogged(program, [...first, 'ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'], 'npm-ci', { cwd: root });
}

async function ensureDebianPackages() {
  const missing = missingPackages();
  if (missing.length === 0) return;
  if (!existsSync('/usr/bin/apt-get')) {
    throw new SetupError(`ParaVCL runs on Debian 12 or newer and its relatives; here there is no apt-get. Missing, by Debian's names: ${missing.join(' ')}`);
  }
  if (process.getuid?.() !== 0) {
    throw new SetupError(`Missing Debian packages. Install them with this command, then start again:\n\n  ${installCommand(missing)}\n`);
  }
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C' };
  const lock = ['-q', '-o', 'DPkg::Lock::Timeout=300'];
  await step('Debian package lists', () => runLogged('apt-get', [...lock, 'update'], 'apt', { env }));
  await step(`Debian packages: ${missing.join(' ')}`, async () => {
    const release = holdServices();
    try {
      await runLogged('apt-get', [...lock, 'install', '-y', '--no-install-recommends', ...missing], 'apt', { env });
    } finally {
      release();
    }
  });
  const still = missingPackages();
  if (still.length > 0) throw new SetupError(`Installed, and yet not found: ${still.join(' ')}. Look at ${logFile('apt')}`);
}

/**
 * Keeps the packages from starting their services while they are installed: what runs on this machine is started
 * by the command that needs it and says so. invoke-rc.d(8) asks this file; one that is there already stays.
 */
function holdServices() {
  const policy = '/usr/sbin/policy-rc.d';
  if (existsSync(policy)) return () => undefined;
  writeFileSync(policy, '#!/bin/sh\n# ParaVCL is installing packages; removed when it has finished.\nexit 101\n', { mode: 0o755 });
  const interrupted = () => process.exit(130);
  const remove = () => rmSync(policy, { force: true });
  process.once('exit', remove).once('SIGINT', interrupted).once('SIGTERM', interrupted);
  return () => {
    remove();
    process.off('exit', remove).off('SIGINT', interrupted).off('SIGTERM', interrupted);
  };
}

/** True when a source is newer than the oldest thing built from its package, or something is not built. */
function buildIsStale() {
  for (const name of ['shared', 'master', 'slave', 'cli', 'workbench']) {
    const directory = join(root, 'packages', name);
    const built = timeOf(join(directory, 'dist', '.tsbuildinfo'));
    const sources = [join(root, 'tsconfig.base.json'), join(directory, 'tsconfig.json'), ...typescriptFiles(join(directory, 'src'))];
    if (sources.some((file) => timeOf(file) > built)) return true;
  }
  return Object.keys(bundles).some(bundleIsStale) || portalIsStale();
}

/** What runs elsewhere is one file. */
const bundles = { slave: 'paravcl-slave.cjs', cli: 'paravcl.cjs' };

function bundleIsStale(name) {
  const bundled = timeOf(join(root, 'packages', name, 'dist', bundles[name]));
  return ['shared', name].some((own) => typescriptFiles(join(root, 'packages', own, 'src')).some((file) => timeOf(file) > bundled));
}

/** Apart from the rest: it takes longer than all of it. */
function portalIsStale() {
  const directory = join(root, 'packages', 'portal');
  const built = timeOf(join(directory, 'dist', 'index.html'));
  const sources = [
    ...['index.html', 'vite.config.ts', 'tsconfig.json', 'package.json'].map((name) => join(directory, name)),
    ...filesBelow(join(directory, 'src')).filter((file) => !/\.test\.ts$/.test(file)),
    ...filesBelow(join(directory, 'public')),
    // All that it takes of the others when it runs.
    join(root, 'packages', 'shared', 'src', 'api', 'sockets.ts'),
    ...typescriptFiles(join(root, 'packages', 'shared', 'src', 'client')),
  ];
  return sources.some((file) => timeOf(file) > built);
}

function timeOf(file) {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

function typescriptFiles(directory) {
  return filesBelow(directory).filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'));
}

function filesBelow(directory) {
  if (!existsSync(directory)) return [];
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

async function build() {
  const node = process.execPath;
  await runLogged(node, [join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '-b'], 'build', { cwd: root });
  const npm = process.env.npm_execpath;
  const [program, ...first] = npm?.endsWith('.js') ? [node, npm] : ['npm'];
  for (const name of Object.keys(bundles)) await runLogged(program, [...first, 'run', 'bundle', '-w', `@paravcl/${name}`, '--loglevel=error'], 'build', { cwd: root });
  if (portalIsStale()) await runLogged(program, [...first, 'run', 'build', '-w', '@paravcl/portal', '--loglevel=error'], 'build', { cwd: root });
}

let logDirectory;
function logFile(name) {
  logDirectory ??= mkdtempSync(join(tmpdir(), 'paravcl-setup-'));
  return join(logDirectory, `${name}.log`);
}

/** Runs a program with all its output in a log file; on failure shows how it began and ended and names the file. */
async function runLogged(program, args, log, options = {}) {
  const path = logFile(log);
  const output = openSync(path, 'a');
  const code = await new Promise((resolve, reject) => {
    const child = spawn(program, args, { ...options, stdio: ['ignore', output, output] });
    child.once('error', (error) => reject(new SetupError(`${program} cannot be started: ${error.message}`)));
    child.once('exit', (exitCode, signal) => resolve(exitCode ?? signal));
  }).finally(() => closeSync(output));
  if (code === 0) return;
  // npm says the cause first and much after it, compilers the other way round.
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
  const shown = lines.length <= 24 ? lines : [...lines.slice(0, 8), `  … ${lines.length - 20} lines …`, ...lines.slice(-12)];
  throw new SetupError(`${[program, ...args].join(' ')}\nended with ${code}. From ${path}:\n\n${shown.join('\n')}\n`);
}

/** Runs the command proper. Ctrl-C reaches it from the terminal; the other signals are passed on. */
function handOver(entry, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [entry, ...args], { cwd: root, stdio: 'inherit' });
    process.on('SIGINT', () => undefined);
    for (const signal of ['SIGTERM', 'SIGHUP', 'SIGQUIT']) process.on(signal, () => child.kill(signal));
    child.once('error', reject);
    child.once('exit', (code, signal) => resolve(code ?? 128 + constants.signals[signal]));
  });
}

main().then(
  (code) => {
    process.exitCode = code;
  },
  (error) => {
    process.stderr.write(`\n${error instanceof SetupError ? error.message : error.stack}\n`);
    // Whoever reads only the last line of a test run must not miss that it did not happen.
    if (process.argv[2] === 'test') process.stdout.write('0 passed, 1 failed\n');
    process.exitCode = 1;
  },
);
