import { z } from 'zod';
import { decisionSchema, queueEntrySchema } from '../domain/decision';
import { idSchema } from '../ids';
import { pageQuerySchema, pageSchema } from './page';
import { route } from './route';

export const getDecision = route({
  method: 'get',
  path: '/decisions/:decisionId',
  summary: 'Why something was decided: the parts of the priority, the hosts and what each answered, victims and offers',
  action: 'decision.see',
  params: z.object({ decisionId: idSchema }),
  answer: { status: 200, schema: decisionSchema },
});

export const getDecisionInputs = route({
  method: 'get',
  path: '/decisions/:decisionId/inputs',
  summary: 'What it was decided from: hosts, bookings, who waited and the rules as they were; for operators and admins, as long as it is kept',
  action: 'decision.inputs',
  params: z.object({ decisionId: idSchema }),
  // As it was kept, also by an older version: what core was given, whose shapes no client depends on.
  answer: { status: 200, schema: z.record(z.string(), z.unknown()) },
});

export const getInstanceWhy = route({
  method: 'get',
  path: '/instances/:instanceId/why',
  summary: 'Why an instance is where it is, waits or was suspended: its decisions, newest first',
  action: 'instance.see',
  params: z.object({ instanceId: idSchema }),
  query: pageQuerySchema,
  answer: { status: 200, schema: pageSchema(decisionSchema) },
});

export const getReservationWhy = route({
  method: 'get',
  path: '/reservations/:reservationId/why',
  summary: 'Why a reservation was confirmed, moved or takes room from others: its decisions, newest first',
  action: 'reservation.see',
  params: z.object({ reservationId: idSchema }),
  query: pageQuerySchema,
  answer: { status: 200, schema: pageSchema(decisionSchema) },
});

export const getQueue = route({
  method: 'get',
  path: '/queue',
  summary: 'Who waits, in order of service; people see their own entries with their place among all',
  action: 'queue.see',
  answer: {
    status: 200,
    schema: z.object({
      /** Entries of everybody, whoever sees them. */
      length: z.int().nonnegative(),
      items: z.array(queueEntrySchema),
    }),
  },
});
