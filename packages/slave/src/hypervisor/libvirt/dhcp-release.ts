import { createSocket } from 'node:dgram';
import { randomBytes } from 'node:crypto';

function broadcastOf(gateway: string, prefix: number): string {
  const address = gateway.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
  const hosts = 2 ** (32 - prefix);
  const last = address - (address % hosts) + hosts - 1;
  return [24, 16, 8, 0].map((shift) => Math.floor(last / 2 ** shift) % 256).join('.');
}

/**
 * The DHCPRELEASE (RFC 2131, table 5) a guest would send when it gives its address back. It bears no
 * client identifier: dnsmasq then finds the lease by the MAC alone.
 */
export function dhcpRelease(mac: string, address: string, gateway: string): Buffer {
  const bytes = (text: string): number[] => text.split('.').map(Number);
  const head = Buffer.alloc(236);
  head.set([1, 1, 6, 0]);
  head.set(randomBytes(4), 4);
  head.set(bytes(address), 12);
  head.set(Buffer.from(mac.replaceAll(':', ''), 'hex'), 28);
  const magic = [0x63, 0x82, 0x53, 0x63];
  const options = [53, 1, 7, 54, 4, ...bytes(gateway), 255];
  return Buffer.concat([head, Buffer.from([...magic, ...options]), Buffer.alloc(48)]);
}

/**
 * Gives a lease back in the guest's name. A guest whose power was taken never does it, and dnsmasq would
 * refuse the address to the next one ("not using configured address … because it is leased to …").
 * Sent as a broadcast from the host: the kernel loops it back as if it had come in on the bridge, where
 * alone dnsmasq listens (a unicast to the gateway would come in on `lo`).
 */
export function sendDhcpRelease(mac: string, address: string, gateway: string, prefix: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = createSocket('udp4');
    const end = (error: Error | null): void => {
      socket.close();
      if (error === null) resolve();
      else reject(error);
    };
    socket.once('error', end);
    socket.bind(0, gateway, () => {
      socket.setBroadcast(true);
      socket.send(dhcpRelease(mac, address, gateway), 67, broadcastOf(gateway, prefix), end);
    });
  });
}
