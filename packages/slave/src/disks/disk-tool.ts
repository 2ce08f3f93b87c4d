import { execFile, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { DiskStoreError } from './disk-store';

type DiskTool = 'qemu-img' | 'genisoimage' | 'cp';

/** Runs one of the tools that make and copy disks; its last complaint becomes the error. Killed after `deadlineMs`. */
export function runDiskTool(binary: DiskTool, args: readonly string[], deadlineMs = 45_000): Promise<void> {
  return new Promise((resolve, reject) => {
    const options = { env: environment(), timeout: deadlineMs, killSignal: 'SIGKILL' as const, maxBuffer: 1024 * 1024 };
    execFile(binary, [...args], options, (error, _stdout, stderr) => {
      if (error === null) return resolve();
      if (error.killed === true) return reject(new DiskStoreError('failed', `${binary} did not end within ${deadlineMs / 1000} s.`));
      reject(complaint(binary, stderr, error));
    });
  });
}

/** Lines that it prints, as it prints them; it waits when they are not taken. Ends when they are not wanted any more, and is killed when it prints nothing for `silentMs`. */
export async function* linesOfDiskTool(binary: DiskTool, args: readonly string[], silentMs = 120_000): AsyncGenerator<string> {
  const tool = spawn(binary, [...args], { env: environment(), stdio: ['ignore', 'pipe', 'pipe'] });
  let stderr = '';
  tool.stderr.setEncoding('utf8').on('data', (text: string) => (stderr = (stderr + text).slice(-mostComplaint)));
  const ended = new Promise<Error | number | null>((resolve) => tool.on('error', resolve).on('close', resolve));
  try {
    let isSilent = false;
    const lines = createInterface({ input: tool.stdout, crlfDelay: Number.POSITIVE_INFINITY })[Symbol.asyncIterator]();
    for (;;) {
      // Only while it is waited for: whoever takes the lines may take their time.
      const silence = setTimeout(() => {
        isSilent = true;
        tool.kill('SIGKILL');
      }, silentMs);
      const line = await lines.next().finally(() => clearTimeout(silence));
      if (line.done === true) break;
      yield line.value;
    }
    const end = await ended;
    if (isSilent) throw new DiskStoreError('failed', `${binary} said nothing for ${silentMs / 1000} s.`);
    if (end !== 0) throw complaint(binary, stderr, end instanceof Error ? end : new Error(`it ended with ${String(end)}`));
  } finally {
    tool.kill('SIGKILL');
  }
}

const mostComplaint = 4096;

function environment(): NodeJS.ProcessEnv {
  return { ...process.env, LC_ALL: 'C' };
}

function complaint(binary: DiskTool, stderr: string, error: Error): DiskStoreError {
  if ((error as NodeJS.ErrnoException).code === 'ENOENT') return new DiskStoreError('failed', `${binary} is not installed on this host.`);
  const last = stderr.trim().split('\n').at(-1) ?? '';
  const code = /No space left on device/.test(stderr) ? 'no-room' : 'failed';
  return new DiskStoreError(code, `${binary}: ${last.slice(0, 300)}`, { cause: error });
}
