import { join } from 'node:path';
import type { EpochMs } from '@paravcl/shared/clock';
import type { ManifestId } from '@paravcl/shared/chunks/manifest';
import { sha256Schema } from '@paravcl/shared/domain/limits';
import { idSchema } from '@paravcl/shared/ids';
import { names } from '../disks/pool-layout';
import type { FileLayer } from './file-layer';

/** What decides whether an image may go, and when. */
export interface EvictionStanding {
  readonly id: ManifestId;
  readonly usedAt: EpochMs;
  /** A reader is connected, a pre-copy wants it, or it is being brought. */
  readonly inUse: boolean;
  /** Deleted from the site: nobody will ask for it again. */
  readonly gone: boolean;
}

/** An image asked for within this time may be part of a launch that is under way: no want of room removes it. */
export const launchMs = 3_600_000;

/** Images that may go, in the order in which they do: deleted ones, then the longest unused. */
export function evictable<Standing extends EvictionStanding>(images: readonly Standing[], held: ReadonlySet<string>, nowMs: EpochMs, idleMs: number): readonly Standing[] {
  return images
    .filter(({ id, inUse, usedAt, gone }) => !inUse && !held.has(id) && nowMs - usedAt >= (gone ? launchMs : Math.max(idleMs, launchMs)))
    .sort((a, b) => Number(b.gone) - Number(a.gone) || a.usedAt - b.usedAt || (a.id < b.id ? -1 : 1));
}

/**
 * Which instances and home volumes of this host, by the directories they lie in, are made of which images, as their lists say. An overlay over a base that is gone is
 * lost: throws when a list cannot be read, for then any image may be held.
 */
export async function holders(files: FileLayer, ...parents: readonly string[]): Promise<ReadonlyMap<ManifestId, readonly string[]>> {
  const held = new Map<ManifestId, string[]>();
  const found = await Promise.all(parents.map(async (parent) => (await files.list(parent)).map((id) => ({ id, directory: join(parent, id) }))));
  for (const { id, directory } of found.flat()) {
    if (!idSchema.safeParse(id).success) continue;
    const list = (await files.readAll(join(directory, names.images)))?.toString('utf8') ?? '';
    if (!list.endsWith('\n')) {
      // Removed while we looked; its images are held by nobody.
      if ((await files.modifiedAt(directory)) === null) continue;
      throw new Error(`${join(directory, names.images)} cannot be read, so no image is removed.`);
    }
    // RAM that it awaits is held until it has it.
    const ram = (await files.readAll(join(directory, names.ram)))?.toString('utf8') ?? '';
    // Older instances name whole files of the image cache, which are no business of the mirror's.
    for (const line of [...list.trimEnd().split('\n'), ram.trimEnd()]) if (sha256Schema.safeParse(line).success) held.set(line, [...(held.get(line) ?? []), id]);
  }
  return held;
}
