import * as contracts from '@paravcl/shared/api/instances';
import type { InstanceConsoleService } from '../services/instance-console-service';
import type { Accepted, InstanceService } from '../services/instance-service';
import type { LaunchForecast } from '../services/launch-forecast';
import { bind, type BoundRoute } from './binding';

/** `/instances`. Verbs answer 202 with the operation to follow, also in `Location`. */
export function instanceRoutes(instances: InstanceService, consoles: InstanceConsoleService, forecast: LaunchForecast): readonly BoundRoute[] {
  return [
    bind(contracts.getLaunchOptions, async ({ principal, query }) => ({ body: await forecast.options(principal, query) })),
    bind(contracts.createInstance, async ({ principal, body, clientAddress, subjectId }) => accepted(await instances.create(principal, body, clientAddress, subjectId))),
    bind(contracts.listInstances, async ({ principal, query }) => {
      const { items, next } = await instances.list(principal, query);
      return { body: { items: [...items], next } };
    }),
    bind(contracts.getInstance, async ({ principal, params }) => ({ body: await instances.get(principal, params.instanceId) })),
    bind(contracts.getInstanceHistory, async ({ principal, params, query }) => {
      const { items, next } = await instances.history(principal, params.instanceId, query);
      return { body: { items: [...items], next } };
    }),
    bind(contracts.suspendInstance, async ({ principal, params, clientAddress, subjectId }) => accepted(await instances.operate(principal, params.instanceId, { verb: 'suspend', clientAddress, reservedId: subjectId }))),
    bind(contracts.resumeInstance, async ({ principal, params, body, clientAddress, subjectId }) => accepted(await instances.operate(principal, params.instanceId, { verb: 'resume', clientAddress, minutes: body.minutes, reservedId: subjectId }))),
    bind(contracts.startInstance, async ({ principal, params, body, clientAddress, subjectId }) => accepted(await instances.operate(principal, params.instanceId, { verb: 'start', clientAddress, minutes: body.minutes, reservedId: subjectId }))),
    bind(contracts.stopInstance, async ({ principal, params, body, clientAddress, subjectId }) => accepted(await instances.operate(principal, params.instanceId, { verb: 'stop', force: body.force, clientAddress, reservedId: subjectId }))),
    bind(contracts.resetInstance, async ({ principal, params, body, clientAddress, subjectId }) => accepted(await instances.reset(principal, params.instanceId, { toProduction: body.toProduction, clientAddress, reservedId: subjectId }))),
    bind(contracts.deleteInstance, async ({ principal, params, query, clientAddress }) =>
      accepted(await (query.recycle ? instances.recycle(principal, params.instanceId, { clientAddress }) : instances.operate(principal, params.instanceId, { verb: 'delete', clientAddress })))),
    bind(contracts.restoreInstance, async ({ principal, params, clientAddress, subjectId }) => accepted(await instances.restore(principal, params.instanceId, { clientAddress, reservedId: subjectId }))),
    bind(contracts.getSerialLog, async ({ principal, params, query }) => ({
      body: Buffer.from(await consoles.serialLog(principal, params.instanceId, query.tailBytes), 'utf8'),
    })),
    bind(contracts.getScreenshot, async ({ principal, params }) => ({ body: await consoles.screenshot(principal, params.instanceId) })),
  ];
}

function accepted(answer: Accepted): { readonly body: Accepted; readonly headers: Record<string, string> } {
  return { body: answer, headers: { Location: `/api/v1/operations/${answer.operation.id}` } };
}
