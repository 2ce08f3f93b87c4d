import { createServer, type AddressInfo } from 'node:net';

/** A port of 127.0.0.1 that nobody has at this moment. */
export async function ephemeralPort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => probe.once('listening', resolve));
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
}
