import type { SiteNetwork } from '@paravcl/shared/domain/slave';
import { cidr, rangeOf } from '../doctor/ipv4-range';
import type { WantedMapping } from './wanted-mappings';

/** Our table for nft(8). Nothing else is in it, and we are in no other but for one rule (`forward-accept.ts`). */
export const tableName = 'paravcl_public';

/** Connections that this table mapped bear this bit of the conntrack mark; its other bits are left to others. */
export const connectionBit = '0x00200000';

const isOurs = `ct mark & ${connectionBit} == ${connectionBit}`;
const makeOurs = `ct mark set ct mark | ${connectionBit}`;

/**
 * The whole table, as one transaction for `nft -f -`: what it was before does not matter.
 *
 *   inbound    a new connection to an address of the pool, or to a mapped port of one of the host's own addresses, goes to its guest:
 *              from outside, from other guests of this host, and from the host itself
 *   outbound   what a guest with an address of the pool begins, leaves from that address, before libvirt's masquerade sees it. What comes
 *              from a guest of this host goes to its target from the gateway, or the answer would not pass here
 *   held       every further packet of a connection that was mapped: it passes while the same mapping is there. Of one that is not, TCP is reset and all else
 *              dropped. Without this a connection would outlive its mapping, for the kernel looks at nat chains for its first packet only
 *
 * With no mapping the table is there to hold what was mapped before.
 */
export function publicRules(mappings: readonly WantedMapping[], network: SiteNetwork): string {
  const guests = cidr(rangeOf(network.gateway, network.prefix));
  const inbound = mappings.map(({ mapping, guest, name }) =>
    mapping.kind === 'address'
      ? `ip daddr ${mapping.address} ${makeOurs} dnat to ${guest} comment "${name}"`
      : `fib daddr type local ip daddr != { 127.0.0.0/8, ${guests} } ${mapping.transport} dport ${String(mapping.publicPort)} ${makeOurs} dnat to ${guest}:${String(mapping.guestPort)} comment "${name}"`,
  );
  const outbound = mappings.flatMap(({ mapping, guest, name }) =>
    mapping.kind === 'address' ? [`ip saddr ${guest} ip daddr != ${guests} oifname != "${network.bridge}" ${makeOurs} snat to ${mapping.address} comment "${name}"`] : [],
  );
  const held = mappings.flatMap(({ mapping, guest }) =>
    mapping.kind === 'address'
      ? [`ct original ip daddr ${mapping.address} ct reply ip saddr ${guest} accept`, `ct original ip saddr ${guest} ct reply ip daddr ${mapping.address} accept`]
      : [`meta l4proto ${mapping.transport} ct original proto-dst ${String(mapping.publicPort)} ct reply ip saddr ${guest} ct reply proto-src ${String(mapping.guestPort)} accept`],
  );
  return lines([
    `add table ip ${tableName}`,
    `delete table ip ${tableName}`,
    `table ip ${tableName} {`,
    // Numbers where nft has no name at that hook: -110 is ten before dstnat (-100).
    ...chain('prerouting', 'type nat hook prerouting priority dstnat - 10; policy accept;', ['jump inbound']),
    ...chain('output', 'type nat hook output priority -110; policy accept;', ['jump inbound']),
    ...chain('postrouting', 'type nat hook postrouting priority srcnat - 10; policy accept;', ['jump outbound']),
    ...chain('forward', 'type filter hook forward priority filter - 10; policy accept;', [`${isOurs} jump held`]),
    ...chain('inbound', null, inbound),
    ...chain('outbound', null, [`ip saddr ${guests} oifname "${network.bridge}" ct status dnat ${isOurs} masquerade`, ...outbound]),
    ...chain('held', null, [...held, 'meta l4proto tcp reject with tcp reset', 'drop']),
    '}',
  ]);
}

function chain(name: string, base: string | null, rules: readonly string[]): readonly string[] {
  return [`  chain ${name} {`, ...(base === null ? [] : [`    ${base}`]), ...rules.map((rule) => `    ${rule}`), '  }'];
}

function lines(all: readonly string[]): string {
  return `${all.join('\n')}\n`;
}
