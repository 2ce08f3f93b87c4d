/**
 * `node packages/workbench/dist/private-host.js -- COMMAND [ARGUMENT…]`
 *
 * Runs a command inside a private host, with libvirt answering there, and ends with its exit code.
 * With `bash` as the command it is a shell to try things in.
 */
import { privateHostHindrance, runInPrivateHost } from './private-host/private-host';

async function main(): Promise<number> {
  const [separator, program, ...args] = process.argv.slice(2);
  if (separator !== '--' || program === undefined) {
    process.stderr.write('Usage: node packages/workbench/dist/private-host.js -- COMMAND [ARGUMENT…]\n');
    return separator === '--help' ? 0 : 2;
  }
  const hindrance = privateHostHindrance(process.argv.slice(1));
  if (hindrance !== null) {
    process.stderr.write(`${hindrance}\n`);
    return 1;
  }
  return runInPrivateHost([program, ...args]);
}

void main().then((code) => {
  process.exitCode = code;
});
