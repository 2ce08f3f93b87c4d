import { MiB } from '@paravcl/shared/domain/limits';
import { statfs } from 'node:fs/promises';
import { storageFull } from './storage-room';

/** No process fills a file system faster: that of a memory disk takes 2 GiB a second. */
const fastestBytesPerMs = (4 * 1024 * MiB) / 1000;
const soonestMs = 5;
const latestMs = 500;
/** It is ended this many times the reserve before the end: between a look and its death it writes on, and a look may come late. */
const reserves = 4;

/**
 * Looks at the room of a file system while something writes there that cannot be told how much it may: the sooner again, the less
 * room is left. `onShort` is called once, with `storage-full`, so early that `reserveBytes` stay free. Answers how to end it; by
 * then the first look is done.
 */
export async function watchRoom(directory: string, reserveBytes: number, onShort: (error: Error) => void): Promise<() => void> {
  const least = reserves * reserveBytes;
  let [timer, ended]: [NodeJS.Timeout | undefined, boolean] = [undefined, false];
  const look = async (): Promise<void> => {
    // What is wrong with the directory its writer will find.
    const free = await statfs(directory).then(({ bavail, bsize }) => bavail * bsize, () => Infinity);
    if (ended) return;
    if (free < least) onShort(storageFull(directory, undefined, ` (${Math.floor(free / MiB)} MiB are free, and ${Math.ceil(least / MiB)} MiB are kept so)`));
    else timer = setTimeout(() => void look(), Math.min(latestMs, Math.max(soonestMs, (free - least) / fastestBytesPerMs)));
  };
  await look();
  return () => {
    ended = true;
    clearTimeout(timer);
  };
}
