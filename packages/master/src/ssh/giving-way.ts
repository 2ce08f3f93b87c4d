/** Of a client that has not logged in. */
export interface Waiting {
  /** `originOf` its address. */
  readonly origin: string;
  readonly sinceMs: number;
  /** It has said nothing, what it is (RFC 4253 4.2), or has agreed on keys. */
  readonly progress: 'silent' | 'identified' | 'encrypted';
}

/** A client says what it is with its first packet. */
const silentAfterMs = 1_000;
const order: readonly Waiting['progress'][] = ['silent', 'identified', 'encrypted'];

/**
 * Who of those that have not logged in makes room for a new one from `origin`; null: there are none. In this order:
 * 1. who has said nothing for a second;
 * 2. those of the origin that has the most of them, the new one included: who comes with many takes from themselves;
 * 3. who is less far on the way to a login;
 * 4. the oldest.
 */
export function whoGivesWay<W extends Waiting>(waiting: readonly W[], origin: string, nowMs: number): W | null {
  const share = new Map<string, number>([[origin, 1]]);
  for (const one of waiting) share.set(one.origin, (share.get(one.origin) ?? 0) + 1);
  const isSilent = ({ progress, sinceMs }: W): boolean => progress === 'silent' && nowMs - sinceMs >= silentAfterMs;
  const before = (one: W, other: W): number =>
    Number(isSilent(other)) - Number(isSilent(one)) ||
    (share.get(other.origin) ?? 0) - (share.get(one.origin) ?? 0) ||
    order.indexOf(one.progress) - order.indexOf(other.progress) ||
    one.sinceMs - other.sinceMs;
  return [...waiting].sort(before)[0] ?? null;
}
