import { readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { copySparse } from '../../disks/copy-sparse';
import { syncDirectory } from '../../disks/sync-directory';

const suffix = '.arrived';
const unfinishedSuffix = '.arriving';

/**
 * RAM that domains were given and did not save here, a file each beside libvirt's saves, under the domain's name. libvirt does not know of them:
 * whoever looks at a domain that is off asks here whether it is saved.
 *
 * Invariant: while the file is there its guest has not run since on the disk it has. So it is removed, durably, before the guest
 * is let go, and a guest that is found running has none.
 */
export class ArrivedRam {
  constructor(private readonly directory: string) {}

  path(domain: string): string {
    return join(this.directory, `${domain}${suffix}`);
  }

  async has(domain: string): Promise<boolean> {
    return (await stat(this.path(domain)).catch(unlessMissing)) !== null;
  }

  /** Names of the domains that have some. */
  async all(): Promise<ReadonlySet<string>> {
    const files = (await readdir(this.directory).catch(unlessMissing)) ?? [];
    return new Set(files.filter((file) => file.endsWith(suffix)).map((file) => basename(file, suffix)));
  }

  /** Copies it, and gives it its name when all of it is on the disk. */
  async keep(domain: string, file: string): Promise<void> {
    const unfinished = this.unfinished(domain);
    await rm(unfinished, { force: true });
    try {
      await copySparse(file, unfinished);
      await rename(unfinished, this.path(domain));
      await syncDirectory(this.directory);
    } catch (error) {
      await rm(unfinished, { force: true }).catch(() => undefined);
      throw error;
    }
  }

  /** Durable when it returns. Quiet when there is none. */
  async forget(domain: string): Promise<void> {
    await rm(this.unfinished(domain), { force: true });
    if (!(await this.has(domain))) return;
    await rm(this.path(domain), { force: true });
    await syncDirectory(this.directory);
  }

  private unfinished(domain: string): string {
    return join(this.directory, `${domain}${unfinishedSuffix}`);
  }
}

function unlessMissing(error: NodeJS.ErrnoException): null {
  if (error.code === 'ENOENT') return null;
  throw error;
}
