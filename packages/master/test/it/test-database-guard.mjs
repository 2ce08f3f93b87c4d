// Runs one mariadbd for a jest worker and takes everything away when that worker is gone, whatever ended it:
// the worker holds the other end of our standard input, and the kernel closes it for the dead. Should this
// guard itself be killed, the kernel ends mariadbd for it (parent death signal).
import { spawn } from 'node:child_process';
import { openSync, rmSync } from 'node:fs';
import { join } from 'node:path';

const directory = process.argv[2];
const server = spawn('setpriv', ['--pdeathsig', 'KILL', '--', 'mariadbd', ...process.argv.slice(3)], {
  stdio: ['ignore', 'ignore', openSync(join(directory, 'log'), 'a')],
});
server.on('exit', () => {
  rmSync(directory, { recursive: true, force: true });
  process.exit(0);
});
server.on('error', () => process.exit(1));
// Ctrl-C goes to the whole terminal group: the end of the worker, not the signal, is what counts.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => undefined);
process.stdin.on('end', () => server.kill('SIGKILL')).resume();
