import * as contracts from '@paravcl/shared/api/instances';
import type { InstanceRelocation, Relocated } from '../services/instance-relocation';
import type { InstanceService } from '../services/instance-service';
import { operationView } from '../services/instance-view';
import { acting } from './acting';
import { bind, type BoundRoute } from './binding';

/** What takes instances from one slave to another. Answers 202 with the operation to follow, also in `Location`. */
export function relocationRoutes(relocation: InstanceRelocation, instances: Pick<InstanceService, 'get'>): readonly BoundRoute[] {
  const accepted = async (principal: Parameters<InstanceService['get']>[0], { instance, operation }: Relocated) => ({
    body: { instance: await instances.get(principal, instance.id), operation: operationView(operation), warnings: [], pledge: null },
    headers: { Location: `/api/v1/operations/${operation.id}` },
  });
  return [
    bind(contracts.moveInstance, async (call) => accepted(call.principal, await relocation.move(acting(call), call.params.instanceId, call.subjectId))),
    bind(contracts.recoverInstance, async (call) => accepted(call.principal, await relocation.recover(acting(call), call.params.instanceId, call.body.snapshotId, call.subjectId))),
  ];
}
