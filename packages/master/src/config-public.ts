import { z } from 'zod';
import { count } from './config-values';

/** In all; every one is named to the database and, mapped, to a slave. */
const mostAddresses = 1024;

const toNumber = (address: string): number => address.split('.').reduce((sum, octet) => sum * 256 + Number(octet), 0);
const toText = (value: number): string => [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join('.');

interface Range {
  readonly written: string;
  readonly first: number;
  readonly size: number;
}

/** What nobody outside can reach a guest by. */
const unusable: readonly { readonly first: number; readonly size: number; readonly what: string }[] = [
  { first: toNumber('0.0.0.0'), size: 2 ** 24, what: 'in 0.0.0.0/8, which means "this network" and is nobody’s address' },
  { first: toNumber('127.0.0.0'), size: 2 ** 24, what: 'in 127.0.0.0/8, which every machine keeps for itself' },
  { first: toNumber('169.254.0.0'), size: 2 ** 16, what: 'in 169.254.0.0/16, which is not routed' },
  { first: toNumber('224.0.0.0'), size: 2 ** 29, what: 'at or above 224.0.0.0, which is multicast or reserved' },
];

const meet = (one: Omit<Range, 'written'>, other: Omit<Range, 'written'>): boolean => one.first < other.first + other.size && other.first < one.first + one.size;

function rangeOf(written: string): Range | null {
  if (z.ipv4().safeParse(written).success) return { written, first: toNumber(written), size: 1 };
  if (!z.cidrv4().safeParse(written).success) return null;
  const [address = '', prefix = ''] = written.split('/');
  return { written, first: toNumber(address), size: 2 ** (32 - Number(prefix)) };
}

const addressList = z
  .array(z.string().max(18))
  .max(mostAddresses)
  .default([])
  .transform((written, context): readonly string[] => {
    const refuse = (message: string): void => context.addIssue({ code: 'custom', message });
    const ranges: Range[] = [];
    for (const each of written) {
      const range = rangeOf(each);
      if (range === null) {
        refuse(`${each} must be an IPv4 address such as 203.0.113.7, or a range such as 203.0.113.16/28`);
        continue;
      }
      if (range.first % range.size !== 0) refuse(`${each} must begin at the range’s first address: ${toText(range.first - (range.first % range.size))}/${String(Math.log2(2 ** 32 / range.size))}`);
      for (const { what, ...them } of unusable) if (meet(range, them)) refuse(`${each} is ${what}`);
      const twice = ranges.find((earlier) => meet(earlier, range));
      if (twice !== undefined) refuse(twice.written === each ? `${each} is named twice` : `${each} and ${twice.written} have addresses in common: name each once`);
      ranges.push(range);
    }
    const total = ranges.reduce((sum, { size }) => sum + size, 0);
    if (total > mostAddresses) {
      refuse(`These are ${String(total)} addresses; a pool has at most ${String(mostAddresses)}`);
      return [];
    }
    return ranges.flatMap(({ first, size }) => Array.from({ length: size }, (_, step) => toText(first + step)));
  });

const portRange = z
  .string('must be a range of ports in quotes, such as "40000-40999"')
  .regex(/^\d{1,5}-\d{1,5}$/, 'must be a range of ports such as "40000-40999"')
  .transform((written, context) => {
    const [from = 0, to = 0] = written.split('-').map(Number);
    if (from < 1024) context.addIssue({ code: 'custom', message: 'must begin at 1024 or above: what is below belongs to the hosts’ own services' });
    if (to > 65_535) context.addIssue({ code: 'custom', message: 'must end at 65535 or below' });
    if (from > to) context.addIssue({ code: 'custom', message: 'must not end before it begins' });
    return { from, to };
  });

/** What of the network outside may lead to guests, past the gateway. Without addresses and ports it is off. */
export const publicOptions = z
  .strictObject({
    /** IPv4 addresses and ranges that are free for guests, each in the pool once. Of a range all, its first and last too. */
    addresses: addressList,
    /** Of each slave's own address, "from-to"; null: none. */
    ports: portRange.nullable().default(null),
    /** Mappings that the machines of one person may have at a time; operators and administrators may add more. */
    perUser: count(0, 1000).default(2),
  })
  .prefault({});

/** An address of the pool that is a guest's own already; null: none is. */
export function insideGuestNetwork({ addresses }: Pick<z.output<typeof publicOptions>, 'addresses'>, cidr: string): string | null {
  const guests = rangeOf(cidr);
  if (guests === null) return null;
  return addresses.find((address) => meet({ first: toNumber(address), size: 1 }, guests)) ?? null;
}
