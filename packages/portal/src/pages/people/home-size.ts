/** GiB with a point or a comma as MiB; null for what is no size. */
export function mibTyped(text: string): number | null {
  const typed = text.trim().replace(',', '.');
  return /^\d{1,6}(\.\d{1,3})?$/.test(typed) ? Math.round(Number(typed) * 1024) : null;
}

export const gibOf = (mib: number): string => String(Number((mib / 1024).toFixed(3)));
