/** GiB as they are typed, with a point or, as Germans write it, a comma, in MiB; null for what is no size. */
export function mibTyped(text: string): number | null {
  const typed = text.trim().replace(',', '.');
  return /^(\d{1,6}\.?|\d{0,6}\.\d{1,6})$/.test(typed) ? Math.round(Number(typed) * 1024) : null;
}

/** So many MiB as GiB to type. */
export const gibOf = (mib: number): string => String(Number((mib / 1024).toFixed(3)));
