import { MiB } from '@paravcl/shared/domain/limits';
import { stat, statfs } from 'node:fs/promises';
import { storageFull } from './storage-room';

/** What one step of an intake will write, and where. */
export interface RoomNeed {
  readonly directory: string;
  readonly bytes: number;
  /** As in "20 MiB for its chunks". */
  readonly what: string;
}

/** Throws `storage-full`, with the numbers, when the needs of one file system do not fit beside what is kept free there. */
export async function requireRoom(needs: readonly RoomNeed[], reserveBytes: number): Promise<void> {
  const byDevice = new Map<number, RoomNeed[]>();
  for (const need of needs.filter(({ bytes }) => bytes > 0)) {
    const { dev } = await stat(need.directory);
    byDevice.set(dev, [...(byDevice.get(dev) ?? []), need]);
  }
  for (const [first, ...others] of byDevice.values()) {
    if (first === undefined) continue;
    const together = [first, ...others];
    const wanted = together.reduce((sum, { bytes }) => sum + bytes, 0);
    const { bavail, bsize } = await statfs(first.directory);
    if (bavail * bsize >= wanted + reserveBytes) continue;
    const parts = together.map(({ bytes, what }) => `${inMiB(bytes)} MiB for ${what}`).join(', ');
    throw storageFull(first.directory, undefined, ` (${inMiB(bavail * bsize)} MiB are free, and it takes ${inMiB(wanted)} MiB: ${parts}; beside them ${inMiB(reserveBytes)} MiB are kept free)`);
  }
}

const inMiB = (bytes: number): number => Math.ceil(bytes / MiB);
