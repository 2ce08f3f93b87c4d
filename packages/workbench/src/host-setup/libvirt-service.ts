import { existsSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
// Not the injected clock: its timers do not keep a process alive, and here nothing else does.
import { setTimeout as delay } from 'node:timers/promises';
import { ProgramError, runProgram } from '../process/run-program';
import { mendKvmAccess } from './kvm-access';

/** A daemon that was started by hand, because no systemd runs here. */
export interface StartedDaemon {
  readonly name: string;
  readonly pid: number;
}

export interface LibvirtService {
  /** `libvirt 9.0.0, QEMU 7.2.22`, as libvirt tells. */
  readonly version: string;
  /** Empty when libvirt was running, or systemd runs it. */
  readonly started: readonly StartedDaemon[];
  /** Ends the daemons in `started`; guests go on. */
  stop(): Promise<void>;
}

/** libvirt cannot be made to answer; the message holds the command that mends it. */
export class HostSetupError extends Error {
  override readonly name = 'HostSetupError';
}

/**
 * A first connection has libvirt ask QEMU for all it can do, about a second. A connection that comes while
 * libvirtd is still starting was once seen to hang (1 of 30 starts): give up soon and ask again.
 */
const askTimeoutMs = 10_000;
const answerWithinMs = 120_000;

const startCommand = 'systemctl enable --now libvirtd';

/**
 * Makes this machine's libvirt answer at qemu:///system: uses the one that answers, else has systemd start it,
 * else (no systemd: containers, build machines) starts virtlogd and libvirtd by hand. Opens /dev/kvm
 * to QEMU where it is closed. Says what it changes through `onChange`. Throws HostSetupError with
 * the exact command when root is needed and we are not.
 */
export async function ensureLibvirt(onChange: (line: string) => void): Promise<LibvirtService> {
  // Before libvirt looks at it: its first look decides how long every start takes.
  const mended = await mendKvmAccess();
  if (mended !== null) onChange(mended);

  const running = await askVersion().catch(() => null);
  if (running !== null) return { version: running, started: [], stop: () => Promise.resolve() };

  const systemd = existsSync('/run/systemd/system');
  if (process.getuid?.() !== 0) {
    const command = systemd ? `sudo ${startCommand} && sudo usermod -aG libvirt,kvm "$USER"` : "sudo sh -c 'virtlogd -d; libvirtd -d'";
    throw new HostSetupError(`libvirt does not answer at qemu:///system. Run, then log in again so that the groups count:\n\n  ${command}\n`);
  }

  const started: StartedDaemon[] = [];
  if (systemd) {
    onChange(`starting libvirt: ${startCommand}`);
    await runProgram('systemctl', ['enable', '--now', 'libvirtd'], { timeoutMs: 90_000 });
  } else {
    await mkdir('/run/lock', { recursive: true });
    for (const name of ['virtlogd', 'libvirtd']) {
      if ((await daemonPid(name)) !== null) continue;
      onChange(`no systemd here: starting ${name} -d`);
      await runProgram(name, ['-d'], { timeoutMs: 60_000 });
      const pid = await daemonPid(name);
      if (pid !== null) started.push({ name, pid });
    }
  }
  const version = await waitForAnswer();
  return { version, started, stop: () => stopDaemons(started) };
}

async function askVersion(): Promise<string> {
  const text = await runProgram('virsh', ['--quiet', '--connect', 'qemu:///system', 'version'], { timeoutMs: askTimeoutMs });
  const [, library] = /Using library: (.*)/.exec(text) ?? [];
  const [, hypervisor] = /Running hypervisor: (.*)/.exec(text) ?? [];
  return [library, hypervisor].filter((part) => part !== undefined).join(', ') || text.trim();
}

async function waitForAnswer(): Promise<string> {
  const deadline = performance.now() + answerWithinMs;
  for (;;) {
    try {
      return await askVersion();
    } catch (error) {
      if (!(error instanceof ProgramError) || performance.now() > deadline) {
        throw new HostSetupError(`libvirt was started and does not answer: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
    await delay(250);
  }
}

/** Process id from the daemon's pid file when that process is alive and is this daemon; else null. */
async function daemonPid(name: string): Promise<number | null> {
  const pid = Number((await readFile(`/run/${name}.pid`, 'utf8').catch(() => '')).trim());
  if (!Number.isInteger(pid) || pid <= 1) return null;
  const comm = await readFile(`/proc/${String(pid)}/comm`, 'utf8').catch(() => '');
  return comm.trim() === name ? pid : null;
}

async function stopDaemons(started: readonly StartedDaemon[]): Promise<void> {
  for (const daemon of [...started].reverse()) {
    if ((await daemonPid(daemon.name)) !== daemon.pid) continue;
    process.kill(daemon.pid, 'SIGTERM');
    const deadline = performance.now() + 10_000;
    while ((await daemonPid(daemon.name)) === daemon.pid && performance.now() < deadline) await delay(100);
  }
}
