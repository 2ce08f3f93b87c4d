import { tellNumber } from '../../states/numbers';
import { tellMiB } from '../../states/sizes';

const MiB = 1024 * 1024;

/** "812 KiB", "74 MiB", "2.4 GiB". */
export function tellBytes(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  if (bytes < MiB) return `${Math.round(bytes / 1024)} KiB`;
  return bytes < 1024 * MiB ? `${tellNumber(bytes / MiB, bytes < 10 * MiB ? 1 : 0)} MiB` : tellMiB(bytes / MiB);
}
