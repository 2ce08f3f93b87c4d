import * as contracts from '@paravcl/shared/api/operations';
import type { OperationService } from '../services/operation-service';
import { bind, type BoundRoute } from './binding';

/** `/operations`. */
export function operationRoutes(operations: OperationService): readonly BoundRoute[] {
  return [
    bind(contracts.listOperations, async ({ principal, query }) => {
      const { items, next } = await operations.list(principal, query);
      return { body: { items: [...items], next } };
    }),
    bind(contracts.getOperation, async ({ principal, params }) => ({ body: await operations.get(principal, params.operationId) })),
  ];
}
