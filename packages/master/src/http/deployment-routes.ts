import * as contracts from '@paravcl/shared/api/deployments';
import type { DeploymentOperations } from '../services/deployment-operations';
import type { DeploymentAccepted, DeploymentService } from '../services/deployment-service';
import { acting } from './acting';
import { bind, type BoundRoute } from './binding';

/** `/deployments`. What takes longer is answered 202 with one operation for the whole, also in `Location`. */
export function deploymentRoutes(deployments: DeploymentService, operations: DeploymentOperations): readonly BoundRoute[] {
  return [
    bind(contracts.createDeployment, async (call) => accepted(await deployments.create(acting(call), call.body, call.subjectId))),
    bind(contracts.listDeployments, async ({ principal, query }) => {
      const { items, next } = await deployments.list(principal, query);
      return { body: { items: [...items], next } };
    }),
    bind(contracts.getDeployment, async ({ principal, params }) => ({ body: await deployments.get(principal, params.deploymentId) })),
    bind(contracts.editDeployment, async (call) => ({ body: await deployments.edit(acting(call), call.params.deploymentId, call.body) })),
    bind(contracts.addDeploymentMembers, async (call) => accepted(await deployments.add(acting(call), call.params.deploymentId, call.body, call.subjectId))),
    bind(contracts.cancelDeployment, async (call) => accepted(await operations.cancel(acting(call), call.params.deploymentId, call.subjectId))),
    bind(contracts.startDeployment, async (call) => accepted(await operations.operate(acting(call), call.params.deploymentId, 'start', { reservedId: call.subjectId }))),
    bind(contracts.stopDeployment, async (call) => accepted(await operations.operate(acting(call), call.params.deploymentId, 'stop', { force: call.body.force, reservedId: call.subjectId }))),
    bind(contracts.suspendDeployment, async (call) => accepted(await operations.operate(acting(call), call.params.deploymentId, 'suspend', { reservedId: call.subjectId }))),
    bind(contracts.resumeDeployment, async (call) => accepted(await operations.operate(acting(call), call.params.deploymentId, 'resume', { reservedId: call.subjectId }))),
    bind(contracts.resetDeployment, async (call) => accepted(await operations.operate(acting(call), call.params.deploymentId, 'reset', { toProduction: call.body.toProduction, reservedId: call.subjectId }))),
    bind(contracts.deleteDeployment, async (call) => accepted(await operations.operate(acting(call), call.params.deploymentId, 'delete'))),
  ];
}

function accepted(answer: DeploymentAccepted): { readonly body: DeploymentAccepted; readonly headers: Record<string, string> } {
  return { body: answer, headers: { Location: `/api/v1/operations/${answer.operation.id}` } };
}
