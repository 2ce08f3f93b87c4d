import { execFile, spawn } from 'node:child_process';

/** Runs OpenSSH in this terminal to its end; answers its exit status, which is the command's, or 255. Throws when there is none. */
export function startSsh(args: readonly string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn('ssh', [...args], { stdio: 'inherit' });
    // Ctrl-C is for what runs over there.
    const leaveIt = (): void => undefined;
    process.on('SIGINT', leaveIt);
    const end = (): void => void process.off('SIGINT', leaveIt);
    child.once('error', (error) => {
      end();
      reject(error);
    });
    child.once('exit', (code) => {
      end();
      resolve(code ?? 255);
    });
  });
}

/** What OpenSSH says its version is; null where there is none. */
export function sshVersion(): Promise<string | null> {
  return new Promise((resolve) => {
    execFile('ssh', ['-V'], { timeout: 5_000 }, (error, out, err) => resolve(error === null ? `${err}${out}`.trim().split('\n')[0] ?? '' : null));
  });
}
