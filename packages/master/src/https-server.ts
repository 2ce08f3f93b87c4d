import type { Express } from 'express';
import { once } from 'node:events';
import { createServer, type Server } from 'node:https';
import { answerBrokenRequests } from './http/broken-request';
import { refuseUpgrade, type UpgradeDoor } from './http/refused-upgrade';
import { arrivalLimits, beginLiveHandshakes } from './live-handshakes';
import type { ServerIdentity } from './tls/server-identity';

/** A client must send its headers within this time. */
const headersWithinMs = 20_000;
/**
 * A connection on which nothing moves. There is no limit for a request as a whole: uploads of many GiB may take
 * as long as they like while they move. JSON bodies have their own deadline (json-body).
 */
const idleMs = 120_000;
/** 5,000 agents, as many mirrors, and 1,000 people with six connections each, twice over; LimitNOFILE in the unit is higher. */
const mostConnections = 32_000;
/** Answers under way get this long when the master stops. */
const drainMs = 5000;

/** Connections that the kernel holds until we take them: a whole fleet may dial in one moment. Bounded by net.core.somaxconn too. */
const backlog = 4096;

/** Once it began; agents give up after half of it. */
const handshakeWithinMs = 20_000;

/**
 * Listens with TLS for the API, the agents and the mirrors on one port; an upgrade goes to the first door that knows its path.
 * Throws with the way out when the port is not to be had.
 */
export async function listen(app: Express, doors: readonly UpgradeDoor[], identity: ServerIdentity, at: { readonly host: string; readonly port: number }): Promise<Server> {
  const server = createServer({ key: identity.key, cert: identity.cert, minVersion: 'TLSv1.2', requestTimeout: 0, headersTimeout: headersWithinMs, handshakeTimeout: handshakeWithinMs }, app);
  beginLiveHandshakes(server, arrivalLimits);
  answerBrokenRequests(server);
  server.setTimeout(idleMs);
  server.maxConnections = mostConnections;
  server.on('upgrade', (request, socket, head) => {
    if (!doors.some((door) => door.upgrade(request, socket, head))) refuseUpgrade(socket, 404, 'There is no such door.');
  });
  server.listen({ port: at.port, host: at.host, backlog });
  try {
    await once(server, 'listening');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const why: Readonly<Record<string, string>> = {
      EADDRINUSE: 'another program has this port; stop it or set listen.port',
      EACCES: 'ports below 1024 need the right to bind them; set listen.port to a higher one',
      EADDRNOTAVAIL: 'this machine does not have that address; set listen.host',
    };
    throw new Error(`Cannot listen on ${at.host}:${String(at.port)}: ${why[code ?? ''] ?? String(error)}.`, { cause: error });
  }
  return server;
}

/** Accepts nothing more, lets answers under way finish for a moment, then cuts what is left. */
export async function closeServer(server: Server): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  server.closeIdleConnections();
  const cut = setTimeout(() => { server.closeAllConnections(); }, drainMs);
  await closed;
  clearTimeout(cut);
}
