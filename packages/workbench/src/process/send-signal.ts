/**
 * Sends a signal to one process; false when it is gone.
 *
 * Throws for anything that names no single process: kill(2) takes 0 for the sender's own process group and -1 for
 * everything, and a test that stops its own group stops those who watch over its time too.
 */
export function sendSignal(pid: number, signal: NodeJS.Signals): boolean {
  if (!Number.isInteger(pid) || pid < 2) throw new Error(`${String(pid)} is no process to send ${signal} to`);
  try {
    process.kill(pid, signal);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
}
