import { spawn } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';

/** A master that was just killed gives the lock back within milliseconds; one that stops may take longer. */
const waitSeconds = 5;

/**
 * Makes sure that one master at a time works in a state directory: a lock of the kernel's (flock(2)) on
 * `master.lock`, held by a child that ends with us, whatever ends us. Node cannot lock files itself.
 *
 * Answers how to give it back. Throws when another master has it.
 */
export async function lockState(stateDir: string): Promise<() => void> {
  await mkdir(stateDir, { recursive: true, mode: 0o750 });
  const file = join(stateDir, 'master.lock');
  return new Promise((resolve, reject) => {
    // `cat` answers the line once flock has let it start, and ends when our end of its input is closed.
    const holder = spawn('flock', ['--timeout', String(waitSeconds), '--conflict-exit-code', '75', file, 'cat'], {
      stdio: ['pipe', 'pipe', 'ignore'],
      detached: true, // Ctrl-C in the terminal is for the master, which still needs the lock to stop in order
      env: { PATH: process.env['PATH'], LC_ALL: 'C' },
    });
    holder.once('error', (error) => {
      reject(new Error(`The state directory ${stateDir} cannot be locked: ${error.message}. flock is in the package util-linux.`));
    });
    holder.once('exit', (code) => {
      reject(
        code === 75
          ? new Error(`Another master is running in ${stateDir}. Stop it first, or give this one a stateDir of its own.`)
          : new Error(`The state directory ${stateDir} cannot be locked (flock ended with ${String(code)}); can ${file} be written?`),
      );
    });
    holder.stdin.on('error', () => undefined); // `exit` tells
    holder.stdin.write('held\n');
    holder.stdout.once('data', () => {
      holder.unref();
      resolve(() => { holder.stdin.end(); });
    });
  });
}
