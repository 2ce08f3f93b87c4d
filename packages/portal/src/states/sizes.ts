import { tellNumber } from './numbers';

/** Sizes as people say them: "512 MiB", "1.5 GiB", in German "1,5 GiB". */
export function tellMiB(mib: number): string {
  if (mib < 1024) return `${tellNumber(mib)} MiB`;
  const [value, unit] = mib < 1024 * 1024 ? [mib / 1024, 'GiB'] : [mib / 1024 / 1024, 'TiB'];
  return `${tellNumber(value, 1)} ${unit}`;
}
