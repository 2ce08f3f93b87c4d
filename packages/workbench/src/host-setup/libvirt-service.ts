import { existsSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { sleep, systemClock, type Clock } from '@paravcl/shared/clock';
import { ProgramError, runProgram } from '../process/run-program';
import { mendKvmAccess } from './kvm-access';

/** A daemon that was started by hand, because no systemd runs here. */
export interface StartedDaemon {
  readonly name: string;
  readonly pid: number;
}

export interface LibvirtService {
  /** `Using library: libvirt 9.0.0` and the like, as libvirt tells. */
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

const startCommand = 'systemctl enable --now libvirtd';

/**
 * Makes this machine's libvirt answer at qemu:///system: uses the one that answers, else has systemd start it,
 * else (no systemd: containers, build machines) starts virtlogd and libvirtd by hand. Opens /dev/kvm
 * to QEMU where it is closed. Says what it changes through `onChange`. Throws HostSetupError with
 * the exact command when root is needed and we are not.
 */
export async function ensureLibvirt(onChange: (line: string) => void, clock: Clock = systemClock): Promise<LibvirtService> {
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
  const version = await waitForAnswer(clock);
  return { version, started, stop: () => stopDaemons(started, clock) };
}

async function askVersion(): Promise<string> {
  // A first connection has libvirt ask QEMU for all it can do, which takes its time.
  const text = await runProgram('virsh', ['--quiet', '--connect', 'qemu:///system', 'version'], { timeoutMs: 90_000 });
  return /Running hypervisor: (.*)/.exec(text)?.[1]?.trim() ?? text.trim();
}

async function waitForAnswer(clock: Clock): Promise<string> {
  const deadline = clock.monotonicMs() + 60_000;
  for (;;) {
    try {
      return await askVersion();
    } catch (error) {
      if (!(error instanceof ProgramError) || clock.monotonicMs() > deadline) {
        throw new HostSetupError(`libvirt was started and does not answer: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
    await sleep(clock, 250);
  }
}

/** Process id from the daemon's pid file when that process is alive and is this daemon; else null. */
async function daemonPid(name: string): Promise<number | null> {
  const pid = Number((await readFile(`/run/${name}.pid`, 'utf8').catch(() => '')).trim());
  if (!Number.isInteger(pid) || pid <= 1) return null;
  const comm = await readFile(`/proc/${String(pid)}/comm`, 'utf8').catch(() => '');
  return comm.trim() === name ? pid : null;
}

async function stopDaemons(started: readonly StartedDaemon[], clock: Clock): Promise<void> {
  for (const daemon of [...started].reverse()) {
    if ((await daemonPid(daemon.name)) !== daemon.pid) continue;
    process.kill(daemon.pid, 'SIGTERM');
    const deadline = clock.monotonicMs() + 10_000;
    while ((await daemonPid(daemon.name)) === daemon.pid && clock.monotonicMs() < deadline) await sleep(clock, 100);
  }
}
