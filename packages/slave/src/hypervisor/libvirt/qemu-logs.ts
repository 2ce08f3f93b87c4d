import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

/** What an agent that is not root, or whose unit does not let it write there, is answered: then the logs stay. */
const notOurs: readonly (string | undefined)[] = ['EACCES', 'EPERM', 'EROFS', 'ENOENT'];

/**
 * The logs that libvirt keeps of each domain's QEMU, under the domain's name, and never removes: how it was started, and
 * what QEMU said. They are of whoever it belonged to, and the next domain of the same name would go on in them.
 */
export class QemuLogs {
  constructor(private readonly directory: string) {}

  /** Removes those of a domain that is off, rotated ones too. */
  async forget(domain: string): Promise<void> {
    try {
      const names = await readdir(this.directory);
      for (const name of names.filter((each) => isOf(each, domain))) await rm(join(this.directory, name), { force: true });
    } catch (error) {
      if (!notOurs.includes((error as NodeJS.ErrnoException).code)) throw error;
    }
  }
}

/** `<domain>.log`, and `.0`, `.1` … behind it once virtlogd has rotated it. */
function isOf(file: string, domain: string): boolean {
  return file.startsWith(`${domain}.log`) && /^(\.\d+)?$/.test(file.slice(`${domain}.log`.length));
}
