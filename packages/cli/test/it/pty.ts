import { spawn, type ChildProcess } from 'node:child_process';
import { program, type CliUser } from './cli-run';

/**
 * Runs a command at a terminal of its own: what comes on our standard input is typed there. When it has ended, the terminal's settings are
 * compared with those from before, and the last line says whether they are the same, and its exit status.
 */
const terminal = `
import os, pty, select, sys, termios
master, slave = pty.openpty()
before = termios.tcgetattr(slave)
pid = os.fork()
if pid == 0:
    os.setsid()
    import fcntl
    fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
    for fd in (0, 1, 2): os.dup2(slave, fd)
    os.execvp(sys.argv[1], sys.argv[1:])
typing = True
while True:
    ready, _, _ = select.select([master] + ([0] if typing else []), [], [], 0.1)
    if 0 in ready:
        typed = os.read(0, 4096)
        if typed: os.write(master, typed)
        else: typing = False
    if master in ready:
        os.write(1, os.read(master, 65536))
        continue
    done, status = os.waitpid(pid, os.WNOHANG)
    if done: break
same = termios.tcgetattr(slave) == before
os.write(1, ('\\nENDED %d %s\\n' % (os.waitstatus_to_exitcode(status), 'restored' if same else 'changed')).encode())
`;

export interface Terminal {
  readonly child: ChildProcess;
  /** What stood on it so far. */
  shown(): string;
  type(text: string): void;
  readonly ended: Promise<string>;
}

export function atTerminal(user: Pick<CliUser, 'configHome'>, words: readonly string[], env: Readonly<Record<string, string>> = {}): Terminal {
  const child = spawn('python3', ['-c', terminal, process.execPath, program, ...words], { env: { PATH: process.env['PATH'] ?? '', HOME: user.configHome, XDG_CONFIG_HOME: user.configHome, LANG: 'C.UTF-8', TERM: 'xterm', ...env }, stdio: ['pipe', 'pipe', 'inherit'] });
  let shown = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (shown += text));
  child.stdin.on('error', () => undefined);
  return { child, shown: () => shown, type: (text) => void child.stdin.write(text), ended: new Promise((resolve) => child.once('close', () => resolve(shown))) };
}
