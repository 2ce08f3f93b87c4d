const round = (value: number): string => String(Number(value.toFixed(1)));

/** "1 core", "2 cores". */
export const tellCores = (cores: number): string => `${String(cores)} ${cores === 1 ? 'core' : 'cores'}`;

/** "512 MiB", "1.5 GiB". */
export function tellMiB(mib: number): string {
  if (mib < 1024) return `${String(mib)} MiB`;
  return mib < 1024 * 1024 ? `${round(mib / 1024)} GiB` : `${round(mib / 1024 / 1024)} TiB`;
}

/** "12 KiB", "1.5 GiB". */
export function tellBytes(bytes: number): string {
  if (bytes < 1024) return `${String(bytes)} B`;
  return bytes < 1024 * 1024 ? `${round(bytes / 1024)} KiB` : tellMiB(Number((bytes / 1024 / 1024).toFixed(1)));
}

/** "2G", "512M", "2 GiB", "2048" (MiB); null for what is no size. */
export function mibTyped(text: string): number | null {
  const match = /^(\d{1,7}(?:[.,]\d{1,3})?)\s*(?:([KMGT])(?:i?B)?)?$/i.exec(text.trim());
  if (match?.[1] === undefined) return null;
  const factor = { k: 1 / 1024, m: 1, g: 1024, t: 1024 * 1024 }[(match[2] ?? 'm').toLowerCase()] ?? 1;
  return Math.round(Number(match[1].replace(',', '.')) * factor);
}
