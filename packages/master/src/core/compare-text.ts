/** By code units, so that equal inputs give equal orders wherever this runs. */
export const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
