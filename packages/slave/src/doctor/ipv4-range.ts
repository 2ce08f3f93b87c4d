/** A block of IPv4 addresses: `base` is the first, as an unsigned number. */
export interface Ipv4Range {
  readonly base: number;
  readonly prefix: number;
}

const size = (range: Ipv4Range): number => 2 ** (32 - range.prefix);

/** The block of `prefix` bits that holds `address` (dotted quad). */
export function rangeOf(address: string, prefix: number): Ipv4Range {
  const number = address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
  return { base: Math.floor(number / 2 ** (32 - prefix)) * 2 ** (32 - prefix), prefix };
}

export function overlaps(one: Ipv4Range, other: Ipv4Range): boolean {
  return one.base < other.base + size(other) && other.base < one.base + size(one);
}

/** `10.42.0.0/16`. */
export function cidr({ base, prefix }: Ipv4Range): string {
  return `${[24, 16, 8, 0].map((shift) => Math.floor(base / 2 ** shift) % 256).join('.')}/${prefix}`;
}
