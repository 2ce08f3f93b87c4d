import { createServer } from 'node:net';

/** The wished port or one of the next hundred. Throws when none is free, or the address is not this machine's. */
export async function freePort(host: string, wished: number): Promise<number> {
  const last = Math.min(wished + 99, 65_535);
  for (let port = wished; port <= last; port += 1) {
    const fault = await new Promise<NodeJS.ErrnoException | null>((resolve) => {
      const server = createServer();
      server.once('error', resolve);
      server.listen(port, host, () => server.close(() => resolve(null)));
    });
    if (fault === null) return port;
    if (fault.code === 'EADDRNOTAVAIL' || fault.code === 'ENOTFOUND') throw new Error(`${host} is not an address of this machine. Choose one of its own with --host.`);
    if (fault.code !== 'EADDRINUSE') throw new Error(`Cannot listen on ${host}:${String(port)}: ${fault.message}`);
  }
  throw new Error(`No port between ${String(wished)} and ${String(last)} is free on ${host}. Choose another with --port.`);
}
