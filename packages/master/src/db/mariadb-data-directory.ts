import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdir, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** Where distributions keep MariaDB's own tables as SQL, and how 10.11 and 11 name the files. */
const systemTableSources = [
  { directory: '/usr/share/mysql', prefix: 'mysql' },
  { directory: '/usr/share/mysql', prefix: 'mariadb' },
  { directory: '/usr/share/mariadb', prefix: 'mariadb' },
  { directory: '/usr/share/mariadb', prefix: 'mysql' },
];
const timeoutMs = 120_000;

/**
 * Options every run on a data directory of ours shares; root must say that it means it. Temporary tables
 * stay in our own directory: at its start a server removes every `#sql…` file of the shared /tmp, those of
 * servers that are using them included.
 */
export function ownServerOptions(dataDirectory: string): readonly string[] {
  return ['--no-defaults', ...(process.getuid?.() === 0 ? ['--user=root'] : []), `--datadir=${dataDirectory}`, `--tmpdir=${dirname(dataDirectory)}`];
}

/**
 * Makes a MariaDB data directory (mode 0700) unless it is there already. This is what `mariadb-install-db`
 * does, without that script's need for the client packages. `root@localhost` has no password: the server is
 * meant to listen on a socket in a directory that only its owner can enter.
 *
 * It is made beside its place and moved there when complete, so one that is there is whole.
 */
export async function createDataDirectory(dataDirectory: string): Promise<void> {
  if (existsSync(dataDirectory)) return;
  const sql = await systemTablesSql();
  const draft = `${dataDirectory}.new`;
  await rm(draft, { recursive: true, force: true });
  await mkdir(draft, { recursive: true, mode: 0o700 });
  await bootstrap(draft, sql);
  await chmod(draft, 0o700);
  await rename(draft, dataDirectory);
}

async function systemTablesSql(): Promise<string> {
  const source = systemTableSources.find(({ directory, prefix }) => existsSync(join(directory, `${prefix}_system_tables.sql`)));
  if (source === undefined) {
    throw new Error("MariaDB's system tables were not found under /usr/share: install the package mariadb-server-core, or name a database of your own by `database.dsn`.");
  }
  const files = ['system_tables', 'performance_tables', 'system_tables_data'].map((name) => join(source.directory, `${source.prefix}_${name}.sql`));
  const texts = await Promise.all(files.map((file) => readFile(file, 'utf8')));
  return ['CREATE DATABASE IF NOT EXISTS mysql;', 'USE mysql;', 'SET @auth_root_socket=NULL;', ...texts].join('\n');
}

/** Runs `mariadbd --bootstrap`, which takes SQL on its standard input, a statement a line, and exits. */
function bootstrap(dataDirectory: string, sql: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const server = spawn(
      'mariadbd',
      [...ownServerOptions(dataDirectory), '--bootstrap', '--log-warnings=0', '--enforce-storage-engine=', '--max-allowed-packet=8M', '--net-buffer-length=16K'],
      { stdio: ['pipe', 'ignore', 'pipe'], env: { PATH: process.env['PATH'], LC_ALL: 'C' }, timeout: timeoutMs },
    );
    let said = '';
    server.stderr.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-2000)));
    server.on('error', (error: NodeJS.ErrnoException) => {
      reject(error.code === 'ENOENT' ? new Error('mariadbd is not installed: install the package mariadb-server-core, or name a database of your own by `database.dsn`.') : error);
    });
    server.on('close', (code) => {
      if (code === 0) resolve();
      else reject(new Error(`MariaDB could not make its data directory ${dataDirectory} (exit ${String(code)}): ${said.trim()}`));
    });
    server.stdin.on('error', () => undefined); // it died; `close` tells why
    server.stdin.end(sql);
  });
}
