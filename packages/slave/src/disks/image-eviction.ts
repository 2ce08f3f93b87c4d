import { renameSync } from 'node:fs';
import { readdir, readFile, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock, EpochMs } from '@paravcl/shared/clock';
import { idSchema } from '@paravcl/shared/ids';
import type { ImageRef } from '@paravcl/shared/protocol/desired-instance';
import { imageName, names, partPrefix, type PoolLayout } from './pool-layout';

/**
 * Which cached images may go. An image is held while the list of an instance on this host names it: an
 * overlay over a base that is gone is lost. Of the others the modification time says when each was last used.
 *
 * Invariant: who is about to use an image says so (`asked`) before it looks whether the file is there, and
 * an image goes in the same turn of the event loop in which it was seen not to be asked for.
 */
export class ImageEviction {
  private readonly askedAt = new Map<string, EpochMs>();

  constructor(
    private readonly layout: PoolLayout,
    private readonly clock: Clock,
  ) {}

  asked(image: ImageRef): void {
    this.askedAt.set(imageName(image), this.clock.now());
  }

  /** Written on the file itself, so that it outlives the agent. */
  async used(image: ImageRef): Promise<void> {
    const seconds = this.clock.now() / 1000;
    await utimes(this.layout.image(image), seconds, seconds);
  }

  /**
   * Removes images that nothing holds and nobody used for `idleMs`, the longest unused first, until there
   * is `enough`. Throws when the list of an instance cannot be read: then it may hold any of them.
   */
  async evict(idleMs: number, enough: () => Promise<boolean>): Promise<void> {
    const held = await this.heldImages();
    const free: { readonly name: string; readonly usedAt: EpochMs }[] = [];
    for (const name of await readdir(this.layout.images)) {
      if (name.startsWith(partPrefix) || held.has(name)) continue;
      const found = await stat(join(this.layout.images, name)).catch(() => null);
      if (found !== null) free.push({ name, usedAt: found.mtimeMs });
    }
    for (const { name, usedAt } of free.sort((a, b) => a.usedAt - b.usedAt)) {
      if (await enough()) return;
      if (this.clock.now() - Math.max(usedAt, this.askedAt.get(name) ?? 0) >= idleMs) await this.remove(name);
    }
  }

  /** Gone at once by its name; the bytes follow, at the latest with the sweep of the next start. */
  async remove(name: string): Promise<void> {
    const doomed = join(this.layout.images, `${partPrefix}doomed-${name}`);
    try {
      renameSync(join(this.layout.images, name), doomed);
    } catch (error) {
      // Two that need room at once may choose the same image; the other one took it.
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
      throw error;
    }
    await rm(doomed, { force: true });
    await rm(join(this.layout.verified, name), { force: true });
  }

  private async heldImages(): Promise<ReadonlySet<string>> {
    const held = new Set<string>();
    for (const entry of await readdir(this.layout.instances)) {
      if (!idSchema.safeParse(entry).success) continue;
      const directory = this.layout.instance(entry);
      const listed = await readFile(join(directory, names.images), 'utf8').catch(() => '');
      if (listed.endsWith('\n')) for (const name of listed.trimEnd().split('\n')) held.add(name);
      else if ((await stat(directory).catch(() => null)) !== null) throw new Error(`${join(directory, names.images)} cannot be read, so no cached image is removed.`);
    }
    return held;
  }
}
