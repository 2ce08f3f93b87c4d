import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { runProgram } from '../process/run-program';
import { aptDownload } from './apt-download';

const metaPackage = 'linux-image-cloud-amd64';
const debPattern = /^linux-image-(\d.*-cloud-amd64)_(.+)_amd64\.deb$/;

/** A kernel package of Debian, as a file in the cache. */
export interface DebianKernel {
  /** `6.1.0-56-cloud-amd64` */
  readonly release: string;
  /** `6.1.192-2` */
  readonly version: string;
  readonly debFile: string;
}

/**
 * Debian's cloud kernel (small, virtio guests are its purpose) as a package file below `cacheDirectory`.
 * One that is cached already is used, without the network; else the one Debian's meta package
 * names now is downloaded. Works without root: nothing is installed.
 */
export async function fetchDebianKernel(cacheDirectory: string, onProgress: (line: string) => void): Promise<DebianKernel> {
  const directory = join(cacheDirectory, 'debian-kernel');
  await mkdir(directory, { recursive: true });
  const cached = await newestCachedKernel(directory);
  if (cached !== null) return cached;
  if (process.arch !== 'x64') throw new Error(`The demo guest is built for x86-64 only; this machine is ${process.arch}.`);

  await aptDownload({ directory, what: 'kernel', asked: metaPackage, name: kernelPackageName, size: 'about 27 MB' }, cacheDirectory, onProgress);
  const downloaded = await newestCachedKernel(directory);
  if (downloaded === null) throw new Error(`apt-get download left no kernel in ${directory}.`);
  return downloaded;
}

/** Unpacks the kernel below `directory` (created anew) and computes its module dependencies there. */
export async function unpackKernel(kernel: DebianKernel, directory: string): Promise<{ readonly vmlinuz: string; readonly modules: string }> {
  await rm(directory, { recursive: true, force: true });
  await runProgram('dpkg-deb', ['-x', kernel.debFile, directory], { timeoutMs: 120_000 });
  // The package computes modules.dep when it is installed; here it is only unpacked.
  await runProgram('depmod', ['-b', directory, kernel.release]);
  return { vmlinuz: join(directory, 'boot', `vmlinuz-${kernel.release}`), modules: join(directory, 'lib', 'modules', kernel.release) };
}

async function kernelPackageName(apt: readonly string[]): Promise<string | null> {
  const output = await runProgram('apt-cache', [...apt, 'depends', metaPackage]).catch(() => '');
  return /Depends:\s+(linux-image-\d\S*-cloud-amd64)/.exec(output)?.[1] ?? null;
}

async function newestCachedKernel(directory: string): Promise<DebianKernel | null> {
  const kernels: DebianKernel[] = [];
  for (const file of await readdir(directory)) {
    const [, release, version] = debPattern.exec(file) ?? [];
    if (release !== undefined && version !== undefined) kernels.push({ release, version, debFile: join(directory, file) });
  }
  kernels.sort((a, b) => a.version.localeCompare(b.version, 'en', { numeric: true }));
  return kernels.at(-1) ?? null;
}
