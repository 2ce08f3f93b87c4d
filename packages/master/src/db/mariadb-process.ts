import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { connect as connectSocket } from 'node:net';
import { join } from 'node:path';
import { ownServerOptions } from './mariadb-data-directory';

/** Where one private server keeps its things; the directory is its owner's alone. */
export interface ServerFiles {
  readonly dataDirectory: string;
  readonly socketPath: string;
  readonly pidFile: string;
  readonly logFile: string;
}

export function serverFiles(directory: string): ServerFiles {
  return {
    dataDirectory: join(directory, 'data'),
    socketPath: join(directory, 'mariadbd.sock'),
    pidFile: join(directory, 'mariadbd.pid'),
    logFile: join(directory, 'mariadbd.log'),
  };
}

/** What every server of ours serves with. */
export const servingOptions = ['--character-set-server=utf8mb4', '--collation-server=utf8mb4_unicode_520_ci', '--max-connections=300', '--max-allowed-packet=64M'] as const;

/**
 * Starts `mariadbd` in a session of its own, so that neither Ctrl-C nor the death of the master takes it
 * along. Answers its process id; `onExit` comes when it ends while we live.
 */
export function spawnServer(files: ServerFiles, onExit: () => void): Promise<number> {
  return new Promise((resolve, reject) => {
    const log = openSync(files.logFile, 'a', 0o600);
    const server = spawn(
      'mariadbd',
      [
        ...ownServerOptions(files.dataDirectory),
        `--socket=${files.socketPath}`,
        `--pid-file=${files.pidFile}`,
        '--skip-networking',
        '--skip-symbolic-links',
        '--local-infile=0',
        `--secure-file-priv=${files.dataDirectory}`,
        ...servingOptions,
      ],
      { detached: true, stdio: ['ignore', log, log], env: { PATH: process.env['PATH'], LC_ALL: 'C' }, cwd: '/' },
    );
    closeSync(log);
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(error.code === 'ENOENT' ? new Error('mariadbd is not installed: install the package mariadb-server-core, or name a database of your own by database.dsn.') : error);
    });
    server.once('exit', onExit);
    server.once('spawn', () => {
      server.unref();
      resolve(server.pid ?? 0);
    });
  });
}

/** The process id in the pid file when that process lives and is a server of this very data directory; else null. */
export async function runningServer(files: ServerFiles): Promise<number | null> {
  const pid = Number((await readFile(files.pidFile, 'utf8').catch(() => '')).trim());
  return Number.isInteger(pid) && pid > 1 && (await isServer(pid, files)) ? pid : null;
}

/** Whether this process is a server of this data directory: ids are used again for other processes. */
export async function isServer(pid: number, files: ServerFiles): Promise<boolean> {
  // A zombie has an empty command line.
  const words = (await readFile(`/proc/${String(pid)}/cmdline`, 'utf8').catch(() => '')).split('\0');
  return words.includes(`--datadir=${files.dataDirectory}`);
}

/** Whether somebody accepts connections on the socket. */
export function accepts(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connectSocket(socketPath);
    socket.setTimeout(2000, () => socket.destroy());
    // The server speaks first: a greeting shows that it is past its recovery.
    socket.once('data', () => {
      resolve(true);
      socket.destroy();
    });
    socket.once('error', () => { resolve(false); });
    socket.once('close', () => { resolve(false); });
  });
}

/** The last lines the server wrote, for error messages. */
export async function lastWords(files: ServerFiles): Promise<string> {
  const { size } = await stat(files.logFile).catch(() => ({ size: 0 }));
  if (size === 0) return `it wrote nothing to ${files.logFile}`;
  const text = await readFile(files.logFile, 'utf8');
  return text.trimEnd().split('\n').slice(-5).join(' | ');
}
