import { execFile } from 'node:child_process';
import { DiskStoreError } from './disk-store';

/** Runs one of the tools that make disks; its last complaint becomes the error. Killed after `deadlineMs`. */
export function runDiskTool(binary: 'qemu-img' | 'genisoimage', args: readonly string[], deadlineMs = 45_000): Promise<void> {
  return new Promise((resolve, reject) => {
    const options = { env: { ...process.env, LC_ALL: 'C' }, timeout: deadlineMs, killSignal: 'SIGKILL' as const, maxBuffer: 1024 * 1024 };
    execFile(binary, [...args], options, (error, _stdout, stderr) => {
      if (error === null) return resolve();
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return reject(new DiskStoreError('failed', `${binary} is not installed on this slave.`));
      if (error.killed === true) return reject(new DiskStoreError('failed', `${binary} did not end within ${deadlineMs / 1000} s.`));
      const complaint = stderr.trim().split('\n').at(-1) ?? '';
      const code = /No space left on device/.test(stderr) ? 'no-room' : 'failed';
      reject(new DiskStoreError(code, `${binary}: ${complaint.slice(0, 300)}`, { cause: error }));
    });
  });
}
