const longest = 100;

/**
 * `wanted`, or `wanted-2`, `wanted-3`, … : the first that is not taken. Names that differ only in case
 * count as the same, as in the database. At most 100 characters.
 */
export function freeName(wanted: string, taken: readonly string[]): string {
  const used = new Set(taken.map((name) => name.toLowerCase()));
  for (let number = 1; ; number++) {
    const suffix = number === 1 ? '' : `-${number}`;
    const name = wanted.slice(0, longest - suffix.length) + suffix;
    if (!used.has(name.toLowerCase())) return name;
  }
}
