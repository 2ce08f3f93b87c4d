import { createHash } from 'node:crypto';
import { chmod, copyFile, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { z } from 'zod';
import { fetchPackages, placeProgram } from './debian-program';
import { buildDemoGuest, type DemoGuest, type DemoGuestOptions } from './demo-guest';
import { cacheDirectory, guestFileSchema, keptGuest, sha256OfFile } from './guest-cache';
import { packTree } from './initramfs';

/** Raise when this code changes what comes out. What the guest is made from is hashed anyway. */
const recipeNumber = 1;
/** The SSH server, and what it is linked with that a plain machine lacks. */
const packageNames = ['dropbear-bin', 'libtomcrypt1', 'libtommath1', 'libgmp10'] as const;
const guestFiles = resolve(__dirname, '..', '..', 'guest-files');
/** Programs its scripts and its people call that the demo guest has no link for. */
const applets = ['cat', 'id'] as const;

const ramdiskSchema = z.object({ ramdisk: guestFileSchema, recipe: z.object({ key: z.string(), packages: z.array(z.string()) }).readonly() }).readonly();

/**
 * The demo guest with an SSH server: Debian's dropbear, which lets in the user of the cloud-init seed by the seed's keys. What it does:
 * guest-files/ssh. From the cache when nothing it is made from has changed. Throws with the missing library or apt's own words.
 */
export async function buildSshGuest(options: DemoGuestOptions = {}): Promise<DemoGuest> {
  const cache = options.cacheDirectory ?? cacheDirectory();
  const onProgress = options.onProgress ?? (() => undefined);
  const demo = await buildDemoGuest(options);
  const packages = await fetchPackages(cache, 'SSH server', packageNames, onProgress);
  const key = await recipeKey(demo, packages);
  const { ramdisk } = await keptGuest({
    directory: join(cache, 'ssh-guest'),
    key,
    schema: ramdiskSchema,
    filesOf: (kept) => [kept.ramdisk],
    build: async ({ work, out, describe }) => {
      onProgress('guest: adding dropbear to it');
      const tree = join(work, 'tree');
      for (const directory of ['bin', 'ssh']) await mkdir(join(tree, directory), { recursive: true });
      for (const applet of applets) await symlink('busybox', join(tree, 'bin', applet));
      // A later archive's file takes the place of an earlier one's.
      for (const [from, to] of [['ssh/init', 'init'], ['ssh/serve', 'ssh/serve'], ['initramfs/init', 'ssh/demo-init']] as const) {
        await copyFile(join(guestFiles, from), join(tree, to));
        await chmod(join(tree, to), 0o755);
      }
      await placeProgram({ packages, path: 'usr/sbin/dropbear', work, tree, as: 'ssh/dropbear' });
      const added = join(work, 'added.gz');
      await packTree(tree, added);
      await writeFile(join(out, 'initramfs.gz'), Buffer.concat([await readFile(demo.ramdisk.path), await readFile(added)]));
      return { ramdisk: await describe('initramfs.gz'), recipe: { key, packages: packages.map((file) => basename(file)) } };
    },
  });
  return { ...demo, ramdisk };
}

async function recipeKey({ recipe }: DemoGuest, packages: readonly string[]): Promise<string> {
  const hash = createHash('sha256');
  hash.update(JSON.stringify([recipeNumber, recipe.key, await Promise.all(packages.map(sha256OfFile))]));
  for (const file of ['ssh/init', 'ssh/serve', 'initramfs/init']) {
    hash.update(`\0${file}\0`);
    hash.update(await readFile(join(guestFiles, file)));
  }
  return hash.digest('hex').slice(0, 16);
}
