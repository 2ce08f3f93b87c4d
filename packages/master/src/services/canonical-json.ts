/**
 * A JSON value as text that is the same for the same value, in whatever order its fields came. Lists keep
 * their order, for it means something.
 */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_field, part: unknown) => {
    if (typeof part !== 'object' || part === null || Array.isArray(part)) return part;
    return Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}
