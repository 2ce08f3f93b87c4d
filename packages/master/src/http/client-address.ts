import type { IncomingMessage } from 'node:http';
import { isIPv6 } from 'node:net';

/** The peer's address as the kernel saw it; forwarding headers are anybody's to write and are not read. */
export function clientAddress(request: IncomingMessage): string {
  const address = request.socket.remoteAddress ?? 'unknown';
  // An IPv4 client of a dual-stack socket (RFC 4291 2.5.5.2) is the same client as over IPv4.
  return address.startsWith('::ffff:') ? address.slice('::ffff:'.length) : address;
}

/** What an address is counted under: of IPv6 its /64, within which one machine has as many addresses as it likes (RFC 8981). */
export function countedAddress(address: string): string {
  const [bare = ''] = address.split('%');
  if (!isIPv6(bare)) return address;
  const [head = '', tail] = new URL(`http://[${bare}]`).hostname.slice(1, -1).split('::');
  const groups = (part: string): readonly string[] => (part === '' ? [] : part.split(':'));
  const zeros = tail === undefined ? 0 : 8 - groups(head).length - groups(tail).length;
  return `${[...groups(head), ...Array.from({ length: zeros }, () => '0'), ...groups(tail ?? '')].slice(0, 4).join(':')}::/64`;
}
