import type { IncomingMessage } from 'node:http';

/** The peer's address as the kernel saw it; forwarding headers are anybody's to write and are not read. */
export function clientAddress(request: IncomingMessage): string {
  const address = request.socket.remoteAddress ?? 'unknown';
  // An IPv4 client of a dual-stack socket (RFC 4291 2.5.5.2) is the same client as over IPv4.
  return address.startsWith('::ffff:') ? address.slice('::ffff:'.length) : address;
}
