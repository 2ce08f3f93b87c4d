import { link, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { syncDirectory } from '../../disks/sync-directory';

/** libvirt begins a save with another magic of this length, and writes this one over it when all of the RAM is there. */
const wholeMagic = 'LibvirtQemudSave';

/**
 * Knows of a save that was begun here and never completed: libvirtd and its guest died in the middle of it, and
 * libvirt calls the guest saved all the same (decision 0008). libvirt's header alone cannot tell that from a whole
 * save whose header was damaged later, and that one is somebody's RAM. So a file beside the saves tells that
 * one was begun; where it cannot be written, nothing is ever called half.
 */
export class HalfSaves {
  constructor(private readonly directory: string) {}

  /** Before a save. What was put aside earlier goes: the guest has run since, its disk has left that RAM behind. */
  async begin(name: string): Promise<void> {
    try {
      await rm(this.aside(name), { force: true });
      const file = await open(this.marker(name), 'w', 0o600);
      await file.sync().finally(() => file.close());
      await syncDirectory(this.directory);
    } catch {
      // Then a half save stays what libvirt calls it.
    }
  }

  /** After a save that is complete and durable, or once half a save is no managed save any more. */
  async ended(name: string): Promise<void> {
    await rm(this.marker(name), { force: true }).catch(() => undefined);
  }

  /**
   * Whether the save of a guest that is off was begun and never completed. When it was, the file gets a second name,
   * under which it stays until the next save: had a host lost its power just before the header was on
   * the disk, all of the RAM would be in it.
   */
  async putAside(name: string): Promise<boolean> {
    try {
      const marker = await open(this.marker(name), 'r');
      await marker.close();
      const file = await open(this.save(name), 'r');
      const magic = Buffer.alloc(wholeMagic.length);
      await file.read(magic, 0, magic.length, 0).finally(() => file.close());
      if (magic.toString('latin1') === wholeMagic) return false;
      await rm(this.aside(name), { force: true });
      await link(this.save(name), this.aside(name));
      return true;
    } catch {
      return false;
    }
  }

  /** Nothing remains of an instance that goes. */
  async forget(name: string): Promise<void> {
    for (const path of [this.marker(name), this.aside(name)]) await rm(path, { force: true }).catch(() => undefined);
  }

  private save(name: string): string {
    return join(this.directory, `${name}.save`);
  }

  private marker(name: string): string {
    return `${this.save(name)}-begun`;
  }

  private aside(name: string): string {
    return `${this.save(name)}-half`;
  }
}
