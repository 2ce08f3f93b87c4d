import * as contracts from '@paravcl/shared/api/reservations';
import type { ReservationChanges } from '../services/reservation-changes';
import type { ReservationClaims } from '../services/reservation-claims';
import type { ReservationService } from '../services/reservation-service';
import { acting } from './acting';
import { bind, type BoundRoute } from './binding';

/** `/reservations` and `/claimable`. A claim answers 202 with the operation to follow, also in `Location`. */
export function reservationRoutes(reservations: ReservationService, changes: ReservationChanges, claims: ReservationClaims): readonly BoundRoute[] {
  return [
    bind(contracts.requestReservation, async (call) => ({ body: await reservations.request(acting(call), call.body, call.subjectId) })),
    bind(contracts.checkReservation, async (call) => ({ body: await reservations.check(acting(call), call.body) })),
    bind(contracts.listReservations, async ({ principal, query }) => {
      const { items, next } = await reservations.list(principal, query);
      return { body: { items: [...items], next } };
    }),
    bind(contracts.getReservation, async ({ principal, params }) => ({ body: await reservations.get(principal, params.reservationId) })),
    bind(contracts.listClaimable, async ({ principal }) => ({ body: { items: [...(await claims.claimable(principal))] } })),
    bind(contracts.claimReservation, async (call) => {
      const answer = await claims.claim(acting(call), call.params.reservationId, call.body, call.subjectId);
      return { body: answer, headers: { Location: `/api/v1/operations/${answer.operation.id}` } };
    }),
    bind(contracts.acceptMove, async (call) => ({ body: await changes.acceptMove(acting(call), call.params.reservationId) })),
    bind(contracts.rescheduleReservation, async (call) => ({ body: await changes.reschedule(acting(call), call.params.reservationId, call.body) })),
    bind(contracts.extendReservation, async (call) => ({ body: await changes.extend(acting(call), call.params.reservationId, call.body) })),
    bind(contracts.cancelReservation, async (call) => ({ body: await changes.cancel(acting(call), call.params.reservationId, call.body) })),
    bind(contracts.releaseReservation, async (call) => ({ body: await changes.release(acting(call), call.params.reservationId) })),
  ];
}
