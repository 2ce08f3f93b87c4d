import { parseJson } from '@paravcl/shared/parse-json';
import type { Transport } from '@paravcl/shared/domain/public-mapping';
import { z } from 'zod';

/**
 * An address that we put on an interface bears this metric, and no other does. The metric of an address is that of its network's route,
 * and an address of 32 bits has no network: nothing else hangs on it. So the kernel itself remembers what is ours, also when this
 * process and its files are gone.
 */
export const ownAddressMetric = 774_201;

export interface HostAddress {
  readonly address: string;
  readonly device: string;
  /** We put it there. */
  readonly own: boolean;
}

/** Somebody on the host who takes what comes to this port of its addresses. */
export interface Listener {
  readonly transport: Transport;
  readonly port: number;
  /** Null: all addresses of the host. */
  readonly address: string | null;
}

/** How packets would leave for an address. */
export interface WayOut {
  readonly device: string;
  /** Null: it is in a network of that interface. */
  readonly gateway: string | null;
}

/** What the host has that mappings could be in the way of, or hang on. */
export interface HostSight {
  readonly forwards: boolean;
  readonly addresses: readonly HostAddress[];
  readonly listeners: readonly Listener[];
  /** Of the addresses that are to be mapped; those without a way are missing. */
  readonly ways: ReadonlyMap<string, WayOut>;
}

const addressesSchema = z.array(
  z.object({
    ifname: z.string(),
    // What a filter of ip(8) leaves out stays as an empty object.
    addr_info: z.array(z.object({ local: z.string().optional(), prefixlen: z.number().optional(), metric: z.number().optional() })).default([]),
  }),
);

/** Reads `ip -json -4 address show`. */
export function readAddresses(json: string): readonly HostAddress[] {
  return addressesSchema
    .parse(parseJson(json))
    .flatMap(({ ifname, addr_info: infos }) =>
      infos.flatMap(({ local, prefixlen, metric }) => (local === undefined ? [] : [{ address: local, device: ifname, own: metric === ownAddressMetric && prefixlen === 32 }])),
    );
}

const routesSchema = z.array(z.object({ dev: z.string(), gateway: z.string().optional(), type: z.string().optional() }));

/** Reads `ip -json -4 route get ADDRESS`. Null when it leads nowhere outside. */
export function readWay(json: string): WayOut | null {
  const [route] = routesSchema.parse(parseJson(json));
  if (route === undefined || (route.type !== undefined && route.type !== 'unicast')) return null;
  return { device: route.dev, gateway: route.gateway ?? null };
}

const tcpListens = '0A';
/** A UDP socket without an other end: it takes packets of everybody. */
const udpUnconnected = '07';

/**
 * Reads one of /proc/net/{tcp,tcp6,udp,udp6}. Addresses are words of 32 bits in the machine's byte order (little-endian). A socket of
 * IPv6 counts where it takes packets of IPv4 too: bound to all addresses, or to one of IPv4.
 */
export function readListeners(transport: Transport, text: string): readonly Listener[] {
  const wanted = transport === 'tcp' ? tcpListens : udpUnconnected;
  return text
    .split('\n')
    .slice(1)
    .flatMap((line): readonly Listener[] => {
      const [, local, , state] = line.trim().split(/\s+/);
      const [address, port] = local?.split(':') ?? [];
      if (state !== wanted || address === undefined || port === undefined) return [];
      const taken = { transport, port: parseInt(port, 16) };
      if (/^0+$/.test(address)) return [{ ...taken, address: null }];
      if (address.length === 8) return [{ ...taken, address: dotted(address) }];
      return address.startsWith('0000000000000000FFFF0000') ? [{ ...taken, address: dotted(address.slice(24)) }] : [];
    });
}

function dotted(word: string): string {
  return [...Buffer.from(word, 'hex')].reverse().join('.');
}
