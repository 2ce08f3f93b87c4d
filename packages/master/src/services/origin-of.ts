import { networkOf } from '../core/image-spread';

/** Whom clients are counted for together: an IPv4 address, or the /64 of an IPv6 one, in which one machine has as many as it likes. */
export const originOf = (address: string): string => (address.includes(':') ? networkOf(address) : address);
