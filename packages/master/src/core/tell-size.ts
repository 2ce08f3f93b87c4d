const units = ['bytes', 'kB', 'MB', 'GB', 'TB'] as const;

/** Bytes as disks are sold and people compare them, in thousands: "84 MB", "9.6 GB", "512 bytes". One decimal below ten. */
export function tellSize(bytes: number): string {
  let amount = bytes;
  let unit = 0;
  // What would be rounded up to a thousand is one of the next unit.
  while (amount >= (unit === 0 ? 1000 : 999.5) && unit < units.length - 1) {
    amount /= 1000;
    unit++;
  }
  const rounded = unit > 0 && amount < 9.95 ? Math.round(amount * 10) / 10 : Math.round(amount);
  return unit === 0 && rounded === 1 ? '1 byte' : `${rounded} ${units[unit] ?? ''}`;
}
