import * as contracts from '@paravcl/shared/api/public-mappings';
import type { PublicMappingService } from '../services/public-mapping-service';
import { acting } from './acting';
import { bind, type BoundRoute } from './binding';

/** `/public-mappings`, and those of one instance. */
export function publicMappingRoutes(mappings: PublicMappingService): readonly BoundRoute[] {
  return [
    bind(contracts.listPublicMappings, async ({ principal, query }) => {
      const { pool, items } = await mappings.list(principal, query);
      return { body: { pool, items: [...items] } };
    }),
    bind(contracts.createPublicMapping, async (call) => ({ body: await mappings.create(acting(call), call.params.instanceId, call.body, call.subjectId) })),
    bind(contracts.deletePublicMapping, async (call) => {
      await mappings.remove(acting(call), call.params.instanceId, call.params.mappingId);
      return { body: undefined };
    }),
  ];
}
