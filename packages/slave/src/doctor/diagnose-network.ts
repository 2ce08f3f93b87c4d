import type { SiteNetwork } from '@paravcl/shared/domain/slave';
import { fault, ok, warning, type Finding } from '@paravcl/shared/finding';
import { cidr, overlaps, rangeOf, type Ipv4Range } from './ipv4-range';

export interface Route {
  readonly interface: string;
  readonly range: Ipv4Range;
}

export interface NetworkFacts {
  /** The site's guest network; null until the master has told it. */
  readonly network: SiteNetwork | null;
  readonly routes: readonly Route[];
}

/** A host that already reaches another network under the site's range would lose one of the two. */
export function diagnoseNetwork({ network, routes }: NetworkFacts): readonly Finding[] {
  if (!network) return [ok('network', 'The site\'s guest network is not known yet: the master tells it at the first contact.')];
  const site = rangeOf(network.gateway, network.prefix);
  const name = `the site's guest network ${cidr(site)}`;
  const others = routes.filter((route) => route.interface !== network.bridge && route.range.prefix > 0 && overlaps(site, route.range));
  const own = routes.filter((route) => route.interface === network.bridge);
  const conflicts = others.map((route) =>
    fault(
      'network',
      `${cidr(route.range)} on ${route.interface} overlaps ${name}: guests or that network would be unreachable from this host. ` +
        (route.interface === 'virbr0' ? 'It is libvirt\'s own default network.' : 'Give the site another range in the master\'s configuration, or move that network.'),
      route.interface === 'virbr0' ? 'virsh net-destroy default && virsh net-autostart --disable default' : `ip route get ${network.gateway}`,
    ),
  );
  const foreign = own.filter((route) => !overlaps(site, route.range));
  const taken = foreign.map((route) =>
    warning('network-bridge', `The bridge ${network.bridge} carries ${cidr(route.range)}, not ${name}: somebody else made it.`, `ip -brief address show dev ${network.bridge}`),
  );
  const bad = [...conflicts, ...taken];
  return bad.length > 0 ? bad : [ok('network', `Nothing on this host overlaps ${name} on bridge ${network.bridge}.`)];
}
