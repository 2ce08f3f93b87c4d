import * as contracts from '@paravcl/shared/api/connections';
import type { ConsoleService } from '../services/console-service';
import type { GuestConnections } from '../services/guest-connections';
import { bind, type BoundRoute } from './binding';

/** Tickets for consoles, and who is connected. */
export function consoleRoutes(consoles: ConsoleService, connections: GuestConnections): readonly BoundRoute[] {
  return [
    bind(contracts.openConsole, async ({ principal, params, body }) => ({ body: await consoles.ticket(principal, params.instanceId, body.kind) })),
    bind(contracts.listConnections, ({ principal, query }) => Promise.resolve({ body: { items: [...connections.list(principal, query)] } })),
    bind(contracts.endConnection, async ({ principal, params, clientAddress }) => {
      await connections.endByHand(principal, params.connectionId, clientAddress);
      return { body: undefined };
    }),
  ];
}
