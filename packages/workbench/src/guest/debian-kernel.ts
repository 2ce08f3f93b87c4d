import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { runProgram } from '../process/run-program';

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

  onProgress('kernel: asking apt for the newest cloud kernel');
  let apt = aptOptions();
  let packageName = await kernelPackageName(apt);
  if (packageName === null) {
    // This machine's package lists are missing or old. Lists of our own need no root and change nothing on it.
    apt = [...apt, ...(await ownAptLists(cacheDirectory))];
    onProgress("kernel: apt's package lists are missing here; fetching a copy");
    await runProgram('apt-get', [...apt, 'update'], { timeoutMs: 300_000 });
    packageName = await kernelPackageName(apt);
  }
  if (packageName === null) {
    throw new Error(`apt knows no package ${metaPackage}. It comes from Debian's main archive: check /etc/apt/sources.list and the network.`);
  }
  onProgress(`kernel: downloading ${packageName} (about 27 MB)`);
  try {
    await runProgram('apt-get', [...apt, 'download', packageName], { cwd: directory, timeoutMs: 600_000 });
  } catch (error) {
    // Lists older than the archive name files that are gone: fetch newer ones and try once more.
    apt = [...aptOptions(), ...(await ownAptLists(cacheDirectory))];
    await runProgram('apt-get', [...apt, 'update'], { timeoutMs: 300_000 });
    packageName = await kernelPackageName(apt);
    if (packageName === null) throw error;
    await runProgram('apt-get', [...apt, 'download', packageName], { cwd: directory, timeoutMs: 600_000 });
  }
  const downloaded = await newestCachedKernel(directory);
  if (downloaded === null) throw new Error(`apt-get download ${packageName} left no package in ${directory}.`);
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

/** As root apt would drop to user _apt, which cannot write to our cache, and warn about it. */
function aptOptions(): readonly string[] {
  return process.getuid?.() === 0 ? ['-q', '-o', 'APT::Sandbox::User=root'] : ['-q'];
}

async function ownAptLists(cacheDirectory: string): Promise<readonly string[]> {
  const apt = join(cacheDirectory, 'apt');
  await mkdir(join(apt, 'lists', 'partial'), { recursive: true });
  await mkdir(join(apt, 'cache', 'archives', 'partial'), { recursive: true });
  return ['-o', `Dir::State::Lists=${apt}/lists`, '-o', `Dir::Cache=${apt}/cache`, '-o', 'Acquire::Languages=none'];
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
