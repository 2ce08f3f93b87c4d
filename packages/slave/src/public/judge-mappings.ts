import type { SiteNetwork } from '@paravcl/shared/domain/slave';
import { cidr, overlaps, rangeOf } from '../doctor/ipv4-range';
import type { HostSight } from './host-sight';
import { outsideOf, type WantedMapping } from './wanted-mappings';

/** A mapping that is not made, with what stands in its way and the way out. */
export interface RefusedMapping {
  readonly wanted: WantedMapping;
  readonly sentence: string;
}

/** A mapping that is made. `device`: the interface on which this host answers for the address. */
export type MadeMapping = WantedMapping & { readonly device: string | null };

export interface JudgedMappings {
  readonly made: readonly MadeMapping[];
  readonly refused: readonly RefusedMapping[];
}

/**
 * Which of the wanted mappings this host can make without taking anything from itself, from the guests' own network, or from one that
 * was judged before: nothing of the outside ever leads to two guests.
 */
export function judgeMappings(wanted: readonly WantedMapping[], network: SiteNetwork, sight: HostSight): JudgedMappings {
  const made: MadeMapping[] = [];
  const refused: RefusedMapping[] = [];
  const taken = new Map<string, WantedMapping>();
  for (const one of wanted) {
    const outside = outsideOf(one.mapping);
    const other = taken.get(outside);
    const device = one.mapping.kind === 'address' ? deviceFor(one.mapping.address, sight) : null;
    const why = !sight.forwards
      ? 'IPv4 forwarding is off on this host. libvirt switches it on with its network; on by hand: sysctl -w net.ipv4.ip_forward=1'
      : other !== undefined
        ? `it leads to ${other.name} already. Take it back from one of the two.`
        : obstacle(one, network, sight);
    if (why === null) {
      taken.set(outside, one);
      made.push({ ...one, device });
    } else {
      refused.push({ wanted: one, sentence: `${one.mapping.kind === 'address' ? `The public address ${outside}` : `The public ${outside}`} does not lead to ${one.name}: ${why}` });
    }
  }
  return { made, refused };
}

function obstacle({ mapping }: WantedMapping, network: SiteNetwork, sight: HostSight): string | null {
  const guests = rangeOf(network.gateway, network.prefix);
  if (mapping.kind === 'port') {
    const { transport, publicPort } = mapping;
    // What listens for guests alone, or for the host itself, loses nothing: those addresses are not mapped.
    const listener = sight.listeners.find(
      ({ transport: its, port, address }) => its === transport && port === publicPort && (address === null || !(overlaps(rangeOf(address, 32), guests) || overlaps(rangeOf(address, 32), loopback))),
    );
    return listener === undefined ? null : `something on this host listens there (see: ss -lnp${transport[0] ?? ''} sport = :${String(publicPort)}). Give the machine another port, or end that.`;
  }
  const { address } = mapping;
  const holder = sight.addresses.find((one) => one.address === address && !one.own);
  if (holder !== undefined) return `this host has it itself, on ${holder.device}. Take it out of the pool (publicAddresses), or off the host.`;
  if (overlaps(rangeOf(address, 32), guests) || overlaps(rangeOf(address, 32), loopback)) return `it is none of the network outside but of ${overlaps(rangeOf(address, 32), guests) ? `the guests’ own ${cidr(guests)}` : 'this host alone'}. Take it out of the pool (publicAddresses).`;
  if (sight.addresses.some((one) => one.address === address)) return null;
  const way = sight.ways.get(address);
  if (way === undefined) return 'no interface of this host has its network. Give the host an address of that network, or take it out of the pool (publicAddresses).';
  if (way.gateway !== null) return `no interface of this host has its network: the way there leads over ${way.gateway}. Give the host an address of that network, or take it out of the pool (publicAddresses).`;
  return null;
}

const loopback = rangeOf('127.0.0.0', 8);

/** Where it lies already, or where its network is. */
function deviceFor(address: string, { addresses, ways }: HostSight): string | null {
  return addresses.find((one) => one.address === address && one.own)?.device ?? ways.get(address)?.device ?? null;
}
