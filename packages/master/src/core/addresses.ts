import type { SiteNetwork } from '@paravcl/shared/domain/slave';

/** First three octets of every guest's MAC (the Xen prefix, as in the 2014 report). */
export const macPrefix = '00:16:3e';

/**
 * Host addresses of the site's network that a guest may have: all but network, gateway and broadcast.
 * A /29 has five, a /16 has 65,533.
 */
export function guestAddressCount(network: SiteNetwork): number {
  return 2 ** (32 - network.prefix) - 3;
}

/**
 * The addresses of the network in the order in which an instance tries them: from a place on that its id's random end chooses,
 * so that concurrent launches seldom want the same one; all of them, or the first few.
 */
export function* addressesFor(network: SiteNetwork, instanceId: string, most = Infinity): Generator<string> {
  const size = 2 ** (32 - network.prefix);
  const gateway = toNumber(network.gateway);
  const base = gateway - (gateway % size);
  const start = randomEnd(instanceId, 12) % size;
  for (let step = 0, told = 0; step < size && told < most; step++) {
    const host = (start + step) % size;
    if (host === 0 || host === size - 1 || base + host === gateway) continue;
    told++;
    yield toText(base + host);
  }
}

/** MAC of an instance: our prefix and 24 bits of its id's random end; `attempt` steps on when it is taken. */
export function macFor(instanceId: string, attempt: number): string {
  const bits = (randomEnd(instanceId, 6) + attempt) % 2 ** 24;
  const hex = bits.toString(16).padStart(6, '0');
  return `${macPrefix}:${hex.slice(0, 2)}:${hex.slice(2, 4)}:${hex.slice(4, 6)}`;
}

function randomEnd(id: string, digits: number): number {
  return Number.parseInt(id.replaceAll('-', '').slice(-digits), 16);
}

function toNumber(address: string): number {
  return address.split('.').reduce((sum, octet) => sum * 256 + Number(octet), 0);
}

function toText(value: number): string {
  return [value / 2 ** 24, value / 2 ** 16, value / 2 ** 8, value].map((part) => Math.floor(part) % 256).join('.');
}
