import { chmod, copyFile, mkdir, readFile, readdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { runProgram } from '../process/run-program';
import { aptDownload } from './apt-download';
import { fetchDebianKernel, unpackKernel } from './debian-kernel';
import { buildDemoGuest, type DemoGuest, type DemoGuestOptions } from './demo-guest';
import { cacheDirectory, guestFileSchema, keptGuest, sha256OfFile } from './guest-cache';
import { packTree, placeModule } from './initramfs';
import { moduleLoadOrder } from './kernel-modules';

/** Raise when this code changes what comes out. What the guest is made from is hashed anyway. */
const recipeNumber = 1;
const agentPackage = 'qemu-guest-agent';
const scripts = resolve(__dirname, '..', '..', 'guest-files', 'quiescing');
/** Programs its first process calls that the demo guest has no link for. */
const applets = ['cat', 'dd', 'killall', 'ln', 'rm', 'stty'] as const;
/** Virtio bus, its disk and its file system, and the port the agent listens at. */
const modules = ['virtio_pci', 'virtio_blk', 'ext4', 'virtio_console'] as const;

/** Kernel command line that makes it begin with its own first process, not the demo guest's. */
export const quiescingGuestKernelArguments = 'rdinit=/quiescing/init console=ttyS0 quiet';

const ramdiskSchema = z.object({ ramdisk: guestFileSchema, recipe: z.object({ key: z.string(), agent: z.string() }).readonly() }).readonly();

/**
 * A guest that brings its file system to rest when it is asked to: the demo guest's kernel and ext4 disk, and a ramdisk that also
 * holds Debian's qemu-guest-agent. What it does: guest-files/quiescing/init. The agent's libraries are this machine's, which
 * QEMU brought. From the cache when nothing it is made from has changed. Throws with the missing library or apt's own words.
 */
export async function buildQuiescingGuest(options: DemoGuestOptions = {}): Promise<Pick<DemoGuest, 'kernel' | 'ramdisk' | 'disk'>> {
  const cache = options.cacheDirectory ?? cacheDirectory();
  const onProgress = options.onProgress ?? (() => undefined);
  const demo = await buildDemoGuest(options);
  const packageFile = await fetchAgent(cache, onProgress);
  const key = await recipeKey(demo, packageFile);
  const { ramdisk } = await keptGuest({
    directory: join(cache, 'quiescing-guest'),
    key,
    schema: ramdiskSchema,
    filesOf: (kept) => [kept.ramdisk],
    build: async ({ work, out, describe }) => {
      onProgress('guest: adding qemu-guest-agent to it');
      const tree = join(work, 'tree');
      const own = join(tree, 'quiescing');
      await mkdir(own, { recursive: true });
      for (const script of await readdir(scripts)) {
        await copyFile(join(scripts, script), join(own, script));
        await chmod(join(own, script), 0o755);
      }
      await mkdir(join(tree, 'bin'));
      for (const applet of applets) await symlink('busybox', join(tree, 'bin', applet));
      await placeAgent(packageFile, work, tree);
      const kernel = await unpackKernel(await fetchDebianKernel(cache, onProgress), join(work, 'kernel'));
      await writeFile(join(own, 'load-order'), (await placeModules(kernel.modules, join(tree, 'lib', 'modules'))).map((name) => `${name}\n`).join(''));
      const added = join(work, 'added.gz');
      await packTree(tree, added);
      await writeFile(join(out, 'initramfs.gz'), Buffer.concat([await readFile(demo.ramdisk.path), await readFile(added)]));
      return { ramdisk: await describe('initramfs.gz'), recipe: { key, agent: packageFile.slice(packageFile.lastIndexOf('/') + 1) } };
    },
  });
  return { kernel: demo.kernel, ramdisk, disk: demo.disk };
}

/** Debian's package as a file; one that is cached already is used, without the network. */
async function fetchAgent(cache: string, onProgress: (line: string) => void): Promise<string> {
  const directory = join(cache, agentPackage);
  await mkdir(directory, { recursive: true });
  const cached = async (): Promise<string | undefined> => (await readdir(directory)).filter((file) => file.startsWith(`${agentPackage}_`) && file.endsWith('.deb')).sort().at(-1);
  if ((await cached()) === undefined) await aptDownload({ directory, what: 'guest agent', asked: agentPackage, name: knownPackage, size: 'about 0.4 MB' }, cache, onProgress);
  const file = await cached();
  if (file === undefined) throw new Error(`apt-get download left no ${agentPackage} in ${directory}.`);
  return join(directory, file);
}

async function knownPackage(apt: readonly string[]): Promise<string | null> {
  const output = await runProgram('apt-cache', [...apt, 'policy', agentPackage]).catch(() => '');
  return /Candidate: \d/.test(output) ? agentPackage : null;
}

/** The agent, what it is linked with, and the loader, each where the loader looks for it. */
async function placeAgent(packageFile: string, work: string, tree: string): Promise<void> {
  const unpacked = join(work, 'agent');
  await runProgram('dpkg-deb', ['-x', packageFile, unpacked]);
  const program = join(unpacked, 'usr', 'sbin', 'qemu-ga');
  await copyFile(program, join(tree, 'quiescing', 'qemu-ga'));
  const linked = await runProgram('ldd', [program]);
  const missing = [...linked.matchAll(/^\s*(\S+) => not found$/gm)].map(([, name]) => name);
  if (missing.length > 0) throw new Error(`${missing.join(', ')}, which ${agentPackage} needs, is not on this machine. It comes with QEMU: apt-get install qemu-system-x86 qemu-utils.`);
  for (const [, path = ''] of linked.matchAll(/(\/\S+) \(0x[0-9a-f]+\)$/gm)) {
    await mkdir(join(tree, dirname(path)), { recursive: true });
    await copyFile(path, join(tree, path));
  }
}

/** In load order; some are in the demo guest's ramdisk already, and the same. */
async function placeModules(source: string, directory: string): Promise<readonly string[]> {
  await mkdir(directory, { recursive: true });
  const [dependencies, builtin] = [await readFile(join(source, 'modules.dep'), 'utf8'), await readFile(join(source, 'modules.builtin'), 'utf8')];
  const names: string[] = [];
  for (const path of moduleLoadOrder(modules, dependencies, builtin)) names.push(await placeModule(join(source, path), directory));
  return names;
}

async function recipeKey({ recipe }: DemoGuest, packageFile: string): Promise<string> {
  const hash = createHash('sha256');
  hash.update(JSON.stringify([recipeNumber, recipe.key, await sha256OfFile(packageFile)]));
  for (const script of (await readdir(scripts)).sort()) {
    hash.update(`\0${script}\0`);
    hash.update(await readFile(join(scripts, script)));
  }
  return hash.digest('hex').slice(0, 16);
}
