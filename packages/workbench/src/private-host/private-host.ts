import { spawn, type ChildProcess, type StdioOptions } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { resolve } from 'node:path';
import { childrenOf } from '../process/daemon';

/**
 * A private host: libvirt and QEMU of this machine, inside namespaces of their own, so that tests and trials can
 * make domains, bridges, networks and firewall rules without touching what runs here.
 *
 * Invariant: when the process that asked for it ends, even by SIGKILL, nothing of the private host is left.
 * `setpriv --pdeathsig` ends `unshare` with us, `--kill-child` ends its process 1 with it, and with process
 * 1 the kernel ends the whole process namespace and drops its mounts, which are all in memory.
 */

/** First process of a host; what it takes from its environment stands in its head. */
export const enterScript = resolve(__dirname, '..', '..', 'private-host', 'enter');

/** Programs a private host is made with, and the Debian package of each. */
export const privateHostTools: readonly (readonly [program: string, debianPackage: string])[] = [
  ['setpriv', 'util-linux'],
  ['unshare', 'util-linux'],
  ['bash', 'bash'],
  ['cpio', 'cpio'],
  ['nsenter', 'util-linux'],
  ['ip', 'iproute2'],
  ['tc', 'iproute2'],
  ['libvirtd', 'libvirt-daemon'],
  ['virtlogd', 'libvirt-daemon'],
  ['virsh', 'libvirt-clients'],
  ['qemu-system-x86_64', 'qemu-system-x86'],
  ['dnsmasq', 'dnsmasq-base'],
];

export interface PrivateHostOptions {
  /** Added to the environment of the command. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Default `inherit`. */
  readonly stdio?: StdioOptions;
  /** In a session of its own: a signal to the process group of either does not reach the other. */
  readonly detached?: boolean;
}

/** Why no private host can be made here, as a sentence with the way out; null when one can. */
export function privateHostHindrance(command: readonly string[]): string | null {
  if (process.getuid?.() !== 0) {
    return `A private host needs root, to make namespaces. Run: sudo ${[process.execPath, ...command].join(' ')}`;
  }
  const missing = privateHostTools.filter(([program]) => !searchDirectories.some((directory) => existsSync(`${directory}/${program}`)));
  if (missing.length === 0) return null;
  const packages = [...new Set(missing.map(([, debianPackage]) => debianPackage))].join(' ');
  return `Missing for a private host: ${missing.map(([program]) => program).join(', ')}. Run: apt-get install -y --no-install-recommends ${packages}`;
}

/**
 * Starts a command inside a private host with libvirt answering there (`PARAVCL_PRIVATE_HOST=1` tells it so).
 * The returned process ends with the command's exit code; with 97 when the host could not be made, after saying why.
 */
export function spawnInPrivateHost(command: readonly [string, ...string[]], options: PrivateHostOptions = {}): ChildProcess {
  return spawn(
    'setpriv',
    [
      '--pdeathsig', 'KILL',
      'unshare', '--net', '--mount', '--pid', '--ipc', '--uts', '--fork', '--kill-child', '--mount-proc',
      '/bin/bash', enterScript, ...command,
    ],
    {
      env: { ...process.env, ...options.env, PATH: searchDirectories.join(':') },
      stdio: options.stdio ?? 'inherit',
      detached: options.detached ?? false,
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    },
  );
}

/**
 * Runs a command inside a private host to its end and returns its exit code (128 + signal number when it was killed).
 * SIGTERM and SIGHUP to this process are passed on to the command; Ctrl-C reaches it from the terminal.
 */
export async function runInPrivateHost(command: readonly [string, ...string[]], options: PrivateHostOptions = {}): Promise<number> {
  const child = spawnInPrivateHost(command, options);
  const passOn = (signal: NodeJS.Signals): void => signalPrivateHost(child, signal);
  const stay = (): void => undefined;
  process.on('SIGTERM', passOn).on('SIGHUP', passOn).on('SIGINT', stay);
  try {
    return await new Promise<number>((resolveCode, reject) => {
      child.once('error', reject);
      child.once('exit', (code, signal) => {
        resolveCode(code ?? 128 + (signal === null ? 0 : constants.signals[signal]));
      });
    });
  } finally {
    process.off('SIGTERM', passOn).off('SIGHUP', passOn).off('SIGINT', stay);
  }
}

/** `unshare` itself is deaf while it waits; its child, process 1 inside, hands the signal to the command. */
export function signalPrivateHost(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  for (const pid of childrenOf(child.pid)) process.kill(pid, signal);
}

const searchDirectories: readonly string[] = [
  ...new Set([...(process.env['PATH'] ?? '').split(':').filter((directory) => directory !== ''), '/usr/local/sbin', '/usr/sbin', '/sbin', '/usr/bin', '/bin']),
];
