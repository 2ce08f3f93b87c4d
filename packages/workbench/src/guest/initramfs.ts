import { chmod, copyFile, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { createReadStream, createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { runProgram } from '../process/run-program';
import { demoGuestModules, moduleLoadOrder } from './kernel-modules';

/** Programs the guest's scripts call; each is a link to busybox. */
const applets: readonly string[] = [
  'acpid', 'chmod', 'hostname', 'httpd', 'insmod', 'ip', 'kill', 'mkdir', 'mkfifo', 'mount',
  'nc', 'poweroff', 'sh', 'sleep', 'sync', 'udhcpc', 'umount',
];

const directories: readonly string[] = ['bin', 'dev', 'disk', 'etc', 'lib/modules', 'proc', 'run', 'seed', 'sys', 'tmp'];

/**
 * Writes the guest's ramdisk (ERI) to `target`: a gzipped cpio archive ("newc", as the kernel wants) of busybox,
 * `initScript` and the modules it loads. `workDirectory` is used for the tree and left for the caller to remove.
 */
export async function writeInitramfs(options: {
  readonly target: string;
  readonly workDirectory: string;
  readonly busybox: string;
  readonly initScript: string;
  readonly modulesDirectory: string;
}): Promise<void> {
  const tree = join(options.workDirectory, 'initramfs');
  await rm(tree, { recursive: true, force: true });
  for (const directory of directories) await mkdir(join(tree, directory), { recursive: true });
  await copyFile(options.busybox, join(tree, 'bin', 'busybox'));
  for (const applet of applets) await symlink('busybox', join(tree, 'bin', applet));
  await copyFile(options.initScript, join(tree, 'init'));
  await chmod(join(tree, 'init'), 0o755);

  const order = moduleLoadOrder(
    demoGuestModules,
    await readFile(join(options.modulesDirectory, 'modules.dep'), 'utf8'),
    await readFile(join(options.modulesDirectory, 'modules.builtin'), 'utf8'),
  );
  const names: string[] = [];
  for (const path of order) names.push(await placeModule(join(options.modulesDirectory, path), join(tree, 'lib', 'modules')));
  await writeFile(join(tree, 'lib', 'modules', 'load-order'), names.map((name) => `${name}\n`).join(''));

  await packTree(tree, options.target);
}

/** Writes `tree` to `target` as a kernel unpacks it; of several, one behind the other, it unpacks each in turn. */
export async function packTree(tree: string, target: string): Promise<void> {
  const archive = `${tree}.cpio`;
  // -R 0:0: owned by root in the guest, whoever builds it. devtmpfs brings the device nodes.
  const paths = (await runProgram('find', ['.', '-mindepth', '1', '-printf', '%P\\n'], { cwd: tree })).trim().split('\n').sort();
  await runProgram('cpio', ['--create', '--format=newc', '--owner=0:0', '--reproducible', '--quiet', `--file=${archive}`, `--directory=${tree}`], {
    input: `${paths.join('\n')}\n`,
  });
  await pipeline(createReadStream(archive), createGzip({ level: 9 }), createWriteStream(target));
}

/** Copies a module into `directory`; newer Debian ships them compressed, busybox loads plain ones. Returns the file name there. */
export async function placeModule(source: string, directory: string): Promise<string> {
  const name = basename(source).replace(/\.(xz|gz|zst)$/, '');
  const copy = join(directory, basename(source));
  await copyFile(source, copy);
  if (copy.endsWith('.xz')) await runProgram('xz', ['--decompress', '--', copy]);
  else if (copy.endsWith('.gz')) await runProgram('gzip', ['--decompress', '--', copy]);
  else if (copy.endsWith('.zst')) await runProgram('zstd', ['--decompress', '--quiet', '--rm', '--', copy]);
  return name;
}
