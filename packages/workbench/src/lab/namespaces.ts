import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { constants } from 'node:os';

/** Process ids as this process sees them: those of its own process namespace and of all inside it. */

/** The command line that runs another one inside all namespaces of a process. */
export function inNamespacesOf(pid: number, command: readonly [string, ...string[]]): [string, ...string[]] {
  return ['nsenter', '--target', String(pid), '--all', '--', ...command];
}

/** Runs a command with this process's terminal, which Ctrl-C is then for; answers its exit code. */
export function runHere([program, ...args]: readonly [string, ...string[]], env: Readonly<Record<string, string>>): Promise<number> {
  const stay = (): void => undefined;
  process.on('SIGINT', stay);
  return new Promise<number>((resolve, reject) => {
    const child = spawn(program, args, { stdio: 'inherit', env: { ...process.env, ...env } });
    child.once('error', reject);
    child.once('exit', (code, signal) => resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal])));
  }).finally(() => process.off('SIGINT', stay));
}

/** Starts process 1 of a host of its own. It ends with this process, however that ends, and everything in it with it. */
export function spawnHost(command: readonly [string, ...string[]], options: { readonly env: Readonly<Record<string, string>>; readonly log: number }): ChildProcess {
  return spawn(
    'setpriv',
    [
      ...['--pdeathsig', 'KILL', 'unshare', '--net', '--mount', '--pid', '--ipc', '--uts'],
      ...timeNamespace(),
      ...['--fork', '--kill-child', '--mount-proc', ...command],
    ],
    { stdio: ['ignore', options.log, options.log], env: { ...process.env, ...options.env } },
  );
}

/**
 * Makes the clock since boot begin at zero, as after power was switched on; nothing where the kernel cannot
 * (time_namespaces(7): CONFIG_TIME_NS).
 */
function timeNamespace(): readonly string[] {
  if (!existsSync('/proc/self/ns/time')) return [];
  const uptimeSeconds = Math.floor(Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]));
  return ['--time', '--boottime', String(-uptimeSeconds)];
}

/** All processes in the process namespace of `pid`, which is among them. */
export function processesBeside(pid: number): readonly number[] {
  const namespace = processNamespace(pid);
  if (namespace === null) return [];
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map(Number).filter((other) => processNamespace(other) === namespace);
}

/** The process that is called `innerPid` in the process namespace of `pid`; null when there is none. */
export function outerPid(pid: number, innerPid: number): number | null {
  return processesBeside(pid).find((other) => innermostPid(other) === innerPid) ?? null;
}

function processNamespace(pid: number): string | null {
  try {
    return readlinkSync(`/proc/${String(pid)}/ns/pid`);
  } catch {
    return null;
  }
}

function innermostPid(pid: number): number | null {
  try {
    return Number(/^NSpid:.*?(\d+)$/m.exec(readFileSync(`/proc/${String(pid)}/status`, 'utf8'))?.[1]);
  } catch {
    return null;
  }
}
