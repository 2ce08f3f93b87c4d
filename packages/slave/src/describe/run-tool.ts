import { execFile } from 'node:child_process';

/** How a tool of the host ended. Nothing here is thrown: a tool that fails is a fact, not a fault of ours. */
export interface ToolResult {
  /** Null when it was not there, could not be started or was ended by the deadline. */
  readonly exitStatus: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly missing: boolean;
  readonly timedOut: boolean;
}

/** Runs a binary with an argument array, in the C locale; ended with SIGKILL after `deadlineMs`. `input`: its standard input, empty without. */
export type RunTool = (binary: string, args: readonly string[], deadlineMs: number, input?: string) => Promise<ToolResult>;

/** Administrators' directories are not in every user's PATH, and the tools we look for live there. */
const searchPath = [process.env['PATH'], '/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin'].filter(Boolean).join(':');

export const runTool: RunTool = (binary, args, deadlineMs, input) =>
  new Promise((resolve) => {
    // LIBVIRT_AUTOSTART=0: looking at a daemon must not start one.
    const env = { ...process.env, PATH: searchPath, LC_ALL: 'C', LIBVIRT_AUTOSTART: '0' };
    const options = { env, timeout: deadlineMs, killSignal: 'SIGKILL' as const, maxBuffer: 4 * 1024 * 1024 };
    const child = execFile(binary, [...args], options, (error, stdout, stderr) => {
      const code = error?.code;
      const missing = String(code) === 'ENOENT';
      const exitStatus = error === null ? 0 : typeof code === 'number' ? code : null;
      resolve({ exitStatus, stdout, stderr: missing ? `${binary} is not installed` : stderr, missing, timedOut: error?.killed === true });
    });
    if (input === undefined) return;
    // One that ended before it had read all tells why by its exit status.
    child.stdin?.on('error', () => undefined).end(input);
  });

/** The last line a tool printed to complain with, without its own name in front. */
export function lastComplaint(result: ToolResult): string {
  const lines = result.stderr.split('\n').map((line) => line.trim());
  const line = lines.filter((text) => text !== '' && !/: warning: /.test(text)).at(-1) ?? lines.filter((text) => text !== '').at(-1);
  return (line ?? '').slice(0, 300);
}
