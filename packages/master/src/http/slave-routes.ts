import { approveSlave, declareSlaveDead, describeSlave, drainSlave, editSlave, getSlave, listSlaves, retireSlave, undrainSlave } from '@paravcl/shared/api/slaves';
import type { SlaveService } from '../services/slave-service';
import { bind, type BoundRoute } from './binding';

export function slaveRoutes(slaves: SlaveService): readonly BoundRoute[] {
  return [
    bind(listSlaves, async ({ principal, query }) => {
      const { items, next } = await slaves.list(principal, query);
      return { body: { items: [...items], next } };
    }),
    bind(getSlave, async ({ principal, params }) => ({ body: await slaves.get(principal, params.slaveId) })),
    bind(describeSlave, async ({ principal, params }) => ({ body: await slaves.describe(principal, params.slaveId) })),
    bind(approveSlave, async ({ principal, params, body, clientAddress }) => ({ body: await slaves.approve(principal, params.slaveId, body, clientAddress) })),
    bind(editSlave, async ({ principal, params, body, clientAddress }) => ({ body: await slaves.edit(principal, params.slaveId, body, clientAddress) })),
    bind(drainSlave, async ({ principal, params, clientAddress }) => ({ body: await slaves.drain(principal, params.slaveId, clientAddress) })),
    bind(undrainSlave, async ({ principal, params, clientAddress }) => ({ body: await slaves.undrain(principal, params.slaveId, clientAddress) })),
    bind(declareSlaveDead, async ({ principal, params, clientAddress }) => ({ body: await slaves.declareDead(principal, params.slaveId, clientAddress) })),
    bind(retireSlave, async ({ principal, params, body, clientAddress }) => ({ body: await slaves.retire(principal, params.slaveId, body.force, clientAddress) })),
  ];
}
