import { copyFile, mkdir, readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { runProgram } from '../process/run-program';
import { aptDownload } from './apt-download';

/** Debian's packages as files, in the order asked; those that are cached already are used, without the network. */
export async function fetchPackages(cache: string, what: string, names: readonly string[], onProgress: (line: string) => void): Promise<readonly string[]> {
  const files: string[] = [];
  for (const name of names) {
    const directory = join(cache, name);
    await mkdir(directory, { recursive: true });
    if ((await cached(directory, name)) === undefined) await aptDownload({ directory, what, asked: name, name: (apt) => known(apt, name), size: 'below 1 MB' }, cache, onProgress);
    const file = await cached(directory, name);
    if (file === undefined) throw new Error(`apt-get download left no ${name} in ${directory}.`);
    files.push(join(directory, file));
  }
  return files;
}

/**
 * Unpacks the packages below `work` and puts the program `path` of them into `tree` as `as`, with the libraries it is linked with and
 * the loader, each where the loader looks for it: those of the packages, and else this machine's.
 */
export async function placeProgram({ packages, path, work, tree, as }: { readonly packages: readonly string[]; readonly path: string; readonly work: string; readonly tree: string; readonly as: string }): Promise<void> {
  const unpacked = join(work, 'unpacked');
  for (const file of packages) await runProgram('dpkg-deb', ['-x', file, unpacked]);
  const program = join(unpacked, path);
  await copy(program, join(tree, as));
  const libraries = (await readdir(join(unpacked, 'usr', 'lib'))).map((machine) => join(unpacked, 'usr', 'lib', machine));
  const linked = await runProgram('ldd', [program], { env: { LD_LIBRARY_PATH: libraries.join(':') } });
  const missing = [...linked.matchAll(/^\s*(\S+) => not found$/gm)].map(([, name]) => name);
  if (missing.length > 0) throw new Error(`${missing.join(', ')}, which ${path} needs, is neither in ${packages.join(', ')} nor on this machine.`);
  for (const [, library = ''] of linked.matchAll(/(\/\S+) \(0x[0-9a-f]+\)$/gm)) {
    await copy(library, join(tree, library.startsWith(unpacked) ? library.slice(unpacked.length) : library));
  }
}

async function copy(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true });
  await copyFile(from, to);
}

async function cached(directory: string, name: string): Promise<string | undefined> {
  return (await readdir(directory)).filter((file) => file.startsWith(`${name}_`) && file.endsWith('.deb')).sort().at(-1);
}

async function known(apt: readonly string[], name: string): Promise<string | null> {
  const output = await runProgram('apt-cache', [...apt, 'policy', name]).catch(() => '');
  return /Candidate: \d/.test(output) ? name : null;
}
