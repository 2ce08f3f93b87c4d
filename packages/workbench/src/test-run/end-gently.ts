import type { ChildProcess } from 'node:child_process';

/** Asks a process to end, so that it can clean up, and ends it by force when it has not after `patienceMs`. */
export function endGently(child: ChildProcess, ask: () => void, patienceMs = 10_000): void {
  if (child.exitCode !== null || child.signalCode !== null) return;
  ask();
  const force = setTimeout(() => child.kill('SIGKILL'), patienceMs);
  child.once('exit', () => clearTimeout(force));
}
