import { evacuateSlave } from '@paravcl/shared/api/slaves';
import type { EvacuationService } from '../services/evacuation-service';
import { acting } from './acting';
import { bind, type BoundRoute } from './binding';

/** What empties slaves. Answers 202 with the operation to follow, also in `Location`. */
export function evacuationRoutes(evacuations: EvacuationService): readonly BoundRoute[] {
  return [
    bind(evacuateSlave, async (call) => {
      const body = await evacuations.begin(acting(call), call.params.slaveId, call.subjectId);
      return { body, headers: { Location: `/api/v1/operations/${body.operation.id}` } };
    }),
  ];
}
