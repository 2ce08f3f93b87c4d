import { spawn } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';

/** An agent that was just killed gives the lock back within milliseconds; one that stops may take longer. */
const waitSeconds = '5';

/** The daemons of a host, each with its own lock and unit. */
const daemons = {
  agent: { file: 'agent.lock', running: 'an agent is running in it', unit: 'paravcl-slave' },
  mirror: { file: 'mirror.lock', running: 'a mirror is running in it', unit: 'paravcl-mirror' },
} as const;

/**
 * Makes sure that one agent, and one mirror, at a time works over a state directory: two agents over one journal would
 * tell the master of two lives, and it would quarantine the slave. A lock of the kernel's (flock(2)) on `agent.lock`,
 * held by a child that ends with us, whatever ends us: Node cannot lock files itself.
 *
 * Answers how to give it back. Throws when another one has it.
 */
export async function lockState(stateDir: string, daemon: keyof typeof daemons = 'agent'): Promise<() => void> {
  await mkdir(stateDir, { recursive: true, mode: 0o711 });
  const { file, running, unit } = daemons[daemon];
  const holder = spawn('flock', ['--timeout', waitSeconds, '--conflict-exit-code', '75', join(stateDir, file), 'cat'], {
    stdio: ['pipe', 'pipe', 'ignore'],
    detached: true, // Ctrl-C in the terminal is for the agent, which still needs the lock to stop in order
    env: { PATH: process.env['PATH'], LC_ALL: 'C' },
  });
  return new Promise((resolve, reject) => {
    holder.once('error', (cause) => reject(new Error(`The state directory ${stateDir} cannot be locked: flock (package util-linux) does not start.`, { cause })));
    holder.once('exit', (code) => {
      const why = code === 75 ? `${running}; stop that first (systemctl stop ${unit}), or name another with --state-dir` : `flock ended with ${String(code)}; can it be written?`;
      reject(new Error(`The state directory ${stateDir} cannot be used: ${why}.`));
    });
    holder.stdin.on('error', () => undefined); // `exit` tells
    // `cat` answers the line once flock has let it start, and ends when our end of its input is closed.
    holder.stdin.write('held\n');
    holder.stdout.once('data', () => {
      holder.unref();
      resolve(() => {
        holder.stdin.end();
      });
    });
  });
}
