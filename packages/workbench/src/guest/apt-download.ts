import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { runProgram } from '../process/run-program';

export interface WantedPackage {
  /** Gets the file. */
  readonly directory: string;
  /** As people say it: `kernel`. */
  readonly what: string;
  /** What apt is asked for, and what its package is called by now; null when apt's lists do not know it. */
  readonly asked: string;
  readonly name: (apt: readonly string[]) => Promise<string | null>;
  /** As in `about 27 MB`. */
  readonly size: string;
}

/** Downloads a Debian package. Works without root: nothing is installed. Throws with apt's own words. */
export async function aptDownload(wanted: WantedPackage, cacheDirectory: string, onProgress: (line: string) => void): Promise<void> {
  const { directory, what, asked, size } = wanted;
  onProgress(`${what}: asking apt for ${asked}`);
  let apt = aptOptions();
  let name = await wanted.name(apt);
  if (name === null) {
    // This machine's package lists are missing or old. Lists of our own need no root and change nothing on it.
    onProgress(`${what}: apt's package lists are missing here; fetching a copy`);
    apt = await updatedLists(cacheDirectory);
    name = await wanted.name(apt);
  }
  if (name === null) {
    throw new Error(`apt knows no package ${asked}. It comes from Debian's main archive: check /etc/apt/sources.list and the network.`);
  }
  onProgress(`${what}: downloading ${name} (${size})`);
  try {
    await runProgram('apt-get', [...apt, 'download', name], { cwd: directory, timeoutMs: 600_000 });
  } catch (error) {
    // Lists older than the archive name files that are gone: fetch newer ones and try once more.
    apt = await updatedLists(cacheDirectory);
    name = await wanted.name(apt);
    if (name === null) throw error;
    await runProgram('apt-get', [...apt, 'download', name], { cwd: directory, timeoutMs: 600_000 });
  }
}

/** As root apt would drop to user _apt, which cannot write to our cache, and warn about it. */
function aptOptions(): readonly string[] {
  return process.getuid?.() === 0 ? ['-q', '-o', 'APT::Sandbox::User=root'] : ['-q'];
}

async function updatedLists(cacheDirectory: string): Promise<readonly string[]> {
  const own = join(cacheDirectory, 'apt');
  await mkdir(join(own, 'lists', 'partial'), { recursive: true });
  await mkdir(join(own, 'cache', 'archives', 'partial'), { recursive: true });
  const apt = [...aptOptions(), '-o', `Dir::State::Lists=${own}/lists`, '-o', `Dir::Cache=${own}/cache`, '-o', 'Acquire::Languages=none'];
  await runProgram('apt-get', [...apt, 'update'], { timeoutMs: 300_000 });
  return apt;
}
