/** Whether two plain values are the same JSON: a field that is undefined is as one that is not there. Stops at the first difference. */
export function sameJson(one: unknown, other: unknown): boolean {
  if (one === other) return true;
  if (typeof one !== 'object' || typeof other !== 'object' || one === null || other === null) return false;
  if (Array.isArray(one) || Array.isArray(other)) {
    return Array.isArray(one) && Array.isArray(other) && one.length === other.length && one.every((value, index) => sameJson(value, other[index]));
  }
  const [these, those] = [one, other] as [Readonly<Record<string, unknown>>, Readonly<Record<string, unknown>>];
  for (const field in these) if (!sameJson(these[field], those[field])) return false;
  for (const field in those) if (those[field] !== undefined && these[field] === undefined) return false;
  return true;
}
