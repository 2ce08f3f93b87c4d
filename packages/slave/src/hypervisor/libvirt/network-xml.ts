import type { SiteNetwork } from '@paravcl/shared/domain/slave';
import type { AddressReservation } from '../driver';
import { child, childrenNamed, element, readXml, writeXml, type XmlElement } from './xml';

/** What a libvirt network has of a SiteNetwork, and its DHCP host entries. */
export interface NetworkFacts {
  readonly bridge: string;
  readonly gateway: string;
  readonly prefix: number;
  readonly forward: string;
  readonly reservations: readonly AddressReservation[];
}

/** MAC of the bridge: made from the gateway, so that a guest moved to another slave finds the one it knows. */
export function bridgeMac(gateway: string): string {
  const pairs = gateway.split('.').slice(1).map((part) => Number(part).toString(16).padStart(2, '0'));
  return ['52', '54', '00', ...pairs].join(':');
}

/**
 * The NAT network (https://libvirt.org/formatnetwork.html). DHCP without a range serves host entries
 * alone (`dhcp-range=<gateway>,static`). The gateway's own entry keeps dnsmasq serving while there is no
 * guest: without it the first reservation would restart it, which takes 0.6 s.
 */
export function networkXml(network: SiteNetwork): string {
  return writeXml(
    element('network', {}, [
      element('name', {}, network.name),
      element('forward', { mode: 'nat' }),
      // With spanning tree each new port waits twice two seconds before it forwards, also after every resume.
      element('bridge', { name: network.bridge, stp: 'off', delay: '0' }),
      element('mac', { address: bridgeMac(network.gateway) }),
      element('ip', { address: network.gateway, prefix: String(network.prefix) }, [
        element('dhcp', {}, [element('host', { mac: bridgeMac(network.gateway), ip: network.gateway, name: 'gateway' })]),
      ]),
    ]),
  );
}

/**
 * A DHCP host entry on one line. The lease never ends: it is given back when the address is released
 * and when the guest boots again, so a lease means that the guest took its address since its last boot,
 * however long it was suspended.
 */
export function hostXml({ mac, address, name }: AddressReservation): string {
  return writeXml(element('host', { mac, name, ip: address }, [element('lease', { expiry: '0' })])).replace(/\n\s*/g, '');
}

/** Reads `virsh net-dumpxml`. */
export function readNetwork(xml: string): NetworkFacts {
  const network = readXml(xml);
  const ip = child(network, 'ip');
  const gateway = ip?.attributes['address'] ?? '';
  return {
    bridge: child(network, 'bridge')?.attributes['name'] ?? '',
    gateway,
    prefix: prefixOf(ip),
    forward: child(network, 'forward')?.attributes['mode'] ?? 'none',
    reservations: childrenNamed(child(ip, 'dhcp'), 'host')
      .map(({ attributes }) => ({ mac: (attributes['mac'] ?? '').toLowerCase(), address: attributes['ip'] ?? '', name: attributes['name'] ?? '' }))
      .filter((host) => host.address !== gateway),
  };
}

function prefixOf(ip: XmlElement | undefined): number {
  const { prefix, netmask } = ip?.attributes ?? {};
  if (prefix !== undefined) return Number(prefix);
  const bits = (netmask ?? '').split('.').map((part) => Number(part).toString(2)).join('');
  return bits.replaceAll('0', '').length;
}
