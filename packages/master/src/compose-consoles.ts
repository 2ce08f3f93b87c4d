import type { MasterConfig } from './config';
import type { Authenticate } from './http/authentication';
import type { BoundRoute } from './http/binding';
import { consoleRoutes } from './http/console-routes';
import type { Job } from './jobs/periodic';
import { ConsoleService, type ConsoleServiceParts } from './services/console-service';
import { ConsoleTickets } from './services/console-tickets';
import { GuestConnections, type GuestConnectionParts } from './services/guest-connections';
import { ConsoleDoor, type ConsoleDoorParts } from './ws/console-door';

const connectionsEveryMs = 2000;

export type ConsoleFoundation = Omit<GuestConnectionParts, 'limits'> & Pick<ConsoleServiceParts, 'agents'> & Pick<ConsoleDoorParts, 'log' | 'relay'> & { readonly gateway: MasterConfig['gateway'] };

/** Who is connected to which guest, and the consoles by which browsers are; wired, nobody comes in yet. */
export function composeConsoles({ gateway, ...parts }: ConsoleFoundation): {
  readonly connections: GuestConnections;
  readonly routes: readonly BoundRoute[];
  readonly jobs: readonly (readonly [string, Job, number])[];
  door(authenticate: Authenticate): ConsoleDoor;
} {
  const connections = new GuestConnections({ ...parts, limits: { perUser: gateway.maxConnectionsPerUser, perSlave: gateway.maxConnectionsPerSlave } });
  const tickets = new ConsoleTickets(parts.clock);
  const consoles = new ConsoleService({ ...parts, tickets });
  return {
    connections,
    routes: consoleRoutes(consoles, connections),
    jobs: [['connections', connections, connectionsEveryMs]],
    door: (authenticate) => new ConsoleDoor({ ...parts, tickets, consoles, connections, authenticate }),
  };
}
