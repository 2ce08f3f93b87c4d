import { z } from 'zod';

const privateRanges = [
  { base: toNumber('10.0.0.0'), prefix: 8 },
  { base: toNumber('172.16.0.0'), prefix: 12 },
  { base: toNumber('192.168.0.0'), prefix: 16 },
  { base: toNumber('100.64.0.0'), prefix: 10 },
];

function toNumber(address: string): number {
  return address.split('.').reduce((sum, octet) => sum * 256 + Number(octet), 0);
}

function toAddress(value: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join('.');
}

function parts(cidr: string): { readonly base: number; readonly prefix: number; readonly size: number } {
  const [address = '', length = ''] = cidr.split('/');
  const prefix = Number(length);
  return { base: toNumber(address), prefix, size: 2 ** (32 - prefix) };
}

/** A private IPv4 network (RFC 1918, or the shared range of RFC 6598) written from its first address, /8 to /29. */
export const privateIpv4Network = z.cidrv4('must be an IPv4 network such as 10.77.0.0/16').superRefine((cidr, context) => {
  const { base, prefix, size } = parts(cidr);
  if (prefix < 8 || prefix > 29) context.addIssue({ code: 'custom', message: 'must be between /8 and /29' });
  if (base % size !== 0) context.addIssue({ code: 'custom', message: `must begin at the network's first address: ${toAddress(base - (base % size))}/${String(prefix)}` });
  const isPrivate = privateRanges.some((range) => prefix >= range.prefix && base >= range.base && base + size <= range.base + 2 ** (32 - range.prefix));
  if (!isPrivate) context.addIssue({ code: 'custom', message: 'must be private: inside 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16 or 100.64.0.0/10' });
});

/** Gateway (the network's first host address) and prefix length of a network that passed `privateIpv4Network`. */
export function networkOf(cidr: string): { readonly gateway: string; readonly prefix: number } {
  const { base, prefix } = parts(cidr);
  return { gateway: toAddress(base + 1), prefix };
}
