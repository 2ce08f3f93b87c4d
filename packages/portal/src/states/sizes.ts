/** Sizes as people say them: "2 cores", "512 MiB", "1.5 GiB". */
export function tellMiB(mib: number): string {
  if (mib < 1024) return `${mib} MiB`;
  const [value, unit] = mib < 1024 * 1024 ? [mib / 1024, 'GiB'] : [mib / 1024 / 1024, 'TiB'];
  return `${Number(value.toFixed(1))} ${unit}`;
}
