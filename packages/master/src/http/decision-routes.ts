import * as contracts from '@paravcl/shared/api/decisions';
import type { QueueEntry } from '@paravcl/shared/domain/decision';
import type { Principal } from '@paravcl/shared/domain/people';
import type { DecisionService } from '../services/decision-service';
import { bind, type BoundRoute } from './binding';

/** Who waits, as this person may see it. */
export interface QueuePort {
  queue(principal: Principal): Promise<{ readonly length: number; readonly items: readonly QueueEntry[] }>;
}

/** `/decisions`, `/queue`, and the whys of instances and reservations. */
export function decisionRoutes(decisions: DecisionService, waiting: QueuePort): readonly BoundRoute[] {
  return [
    bind(contracts.getDecision, async ({ principal, params }) => ({ body: await decisions.get(principal, params.decisionId) })),
    bind(contracts.getDecisionInputs, async ({ principal, params }) => ({ body: await decisions.inputs(principal, params.decisionId) })),
    bind(contracts.getInstanceWhy, async ({ principal, params, query }) => {
      const { items, next } = await decisions.ofInstance(principal, params.instanceId, query);
      return { body: { items: [...items], next } };
    }),
    bind(contracts.getReservationWhy, async ({ principal, params, query }) => {
      const { items, next } = await decisions.ofReservation(principal, params.reservationId, query);
      return { body: { items: [...items], next } };
    }),
    bind(contracts.getQueue, async ({ principal }) => {
      const { length, items } = await waiting.queue(principal);
      return { body: { length, items: [...items] } };
    }),
  ];
}
