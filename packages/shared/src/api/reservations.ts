import { z } from 'zod';
import { offerSchema, priorityPartsSchema } from '../domain/decision';
import { bandwidthMbpsSchema, diskMiBSchema, ramMiBSchema, speedSchema, vcpusSchema } from '../domain/limits';
import { claimableSchema, reservationBounds, reservationSchema, reservationStateSchema } from '../domain/reservation';
import { idSchema } from '../ids';
import { acceptedSchema, createInstanceBody } from './instances';
import { joinWaySchema } from './join-tokens';
import { pageQuerySchema, pageSchema } from './page';
import { route } from './route';

const one = z.object({ reservationId: idSchema });
const answer = { status: 200, schema: reservationSchema } as const;

/**
 * A moment: with an offset it is itself, without one it is that time of day in `timeZone`, or in the site's zone.
 * Kept as text here, because what a time without offset means depends on the zone beside it.
 */
const momentSchema = z.union([z.iso.datetime({ offset: true }), z.iso.datetime({ local: true })], 'must be a time such as 2026-12-07T10:00, or with its offset 2026-12-07T10:00+01:00');
/** Checked by the service, which names zones that exist. */
const timeZoneSchema = z.string().min(1).max(64);
const minutesSchema = z.int().min(reservationBounds.minutes.min).max(reservationBounds.minutes.max);

const windowFields = {
  start: momentSchema,
  /** Either this or `minutes`. */
  end: momentSchema.optional(),
  minutes: minutesSchema.optional(),
  timeZone: timeZoneSchema.optional(),
};

export const requestReservationBody = z.object({
  ...windowFields,
  count: z.int().min(reservationBounds.count.min).max(reservationBounds.count.max).default(1),
  /** Each absent size is the image's default, then the site's. */
  imageId: idSchema.nullable().default(null),
  /** Instead of `imageId`: the version that is in production now. */
  familyId: idSchema.optional(),
  vcpus: vcpusSchema.optional(),
  ramMiB: ramMiBSchema.optional(),
  diskMiB: diskMiBSchema.optional(),
  bandwidthMbps: bandwidthMbpsSchema.optional(),
  /** Least speed of a core of their hosts, relative to the reference machine; absent: what the image needs. */
  minSpeed: speedSchema.optional(),
  /** Its members claim. Absent or null: only oneself. */
  groupId: idSchema.nullable().default(null),
  /** Register an own machine as a slave with this request (RAS of the formula). */
  asSlave: z.boolean().optional(),
  /** Repeat every week at the same time of day, up to and including this date of the site's zone. */
  weeklyUntil: z.iso.date().optional(),
});
export type RequestReservationBody = z.output<typeof requestReservationBody>;

/** What a request came, or would come, to. */
export const reservationAnswerSchema = z.object({
  /** Null for a mere question and for a refusal. */
  reservation: reservationSchema.nullable(),
  admitted: z.boolean(),
  sentence: z.string(),
  priority: priorityPartsSchema,
  /** Weaker reservations that give way, with their new times. */
  moves: z.array(z.object({ reservationId: idSchema, from: z.iso.datetime(), to: z.iso.datetime() })),
  offers: z.array(offerSchema),
  /** Further ones of a weekly series that are confirmed already; later ones follow as their weeks come within the horizon. */
  series: z.array(z.object({ reservationId: idSchema, start: z.iso.datetime() })),
  /** For a pledge: how the machine becomes a host, until when it has to be one. Shown this once. */
  pledge: joinWaySchema.extend({ until: z.iso.datetime() }).nullable(),
  decisionId: idSchema.nullable(),
});
export type ReservationAnswer = z.infer<typeof reservationAnswerSchema>;

export const requestReservation = route({
  method: 'post',
  path: '/reservations',
  summary: 'Reserve machines for a time to come; a refusal (409) carries offers of what one can have instead',
  action: 'reservation.create',
  body: requestReservationBody,
  answer: { status: 201, schema: reservationAnswerSchema },
});

export const checkReservation = route({
  method: 'post',
  path: '/reservations/check',
  summary: 'What a reservation would come to: admitted, admitted by moving others, or refused with offers; changes nothing',
  action: 'reservation.create',
  body: requestReservationBody,
  answer: { status: 200, schema: reservationAnswerSchema },
});

export const listReservations = route({
  method: 'get',
  path: '/reservations',
  summary: 'Reservations, newest first; people see their own and those of their groups',
  action: 'reservation.list',
  query: pageQuerySchema.extend({
    state: reservationStateSchema.optional(),
    userId: idSchema.optional(),
    groupId: idSchema.optional(),
    /** Only those whose window overlaps the time between these. */
    from: z.iso.datetime({ offset: true }).optional(),
    to: z.iso.datetime({ offset: true }).optional(),
  }),
  answer: { status: 200, schema: pageSchema(reservationSchema) },
});

export const getReservation = route({ method: 'get', path: '/reservations/:reservationId', summary: 'One reservation', action: 'reservation.see', params: one, answer });

export const listClaimable = route({
  method: 'get',
  path: '/claimable',
  summary: 'Reservations whose window is open and from which I may claim now',
  action: 'reservation.claim',
  answer: { status: 200, schema: z.object({ items: z.array(claimableSchema) }) },
});

export const claimReservation = route({
  method: 'post',
  path: '/reservations/:reservationId/claim',
  summary: 'Take one of the reserved machines: start a new instance, or resume a saved one under the reservation',
  action: 'reservation.claim',
  params: one,
  body: z
    .object({
      /** Resume this saved instance of mine instead of starting a new one. */
      instanceId: idSchema.optional(),
      /** For a new one, where the reservation names no image. */
      imageId: idSchema.optional(),
      name: createInstanceBody.shape.name,
      sshPublicKeys: createInstanceBody.shape.sshPublicKeys,
    })
    .prefault({}),
  answer: { status: 202, schema: acceptedSchema },
});

export const acceptMove = route({
  method: 'post',
  path: '/reservations/:reservationId/accept',
  summary: 'Say that the new time of a moved reservation is fine',
  action: 'reservation.operate',
  params: one,
  answer,
});

export const rescheduleReservation = route({
  method: 'post',
  path: '/reservations/:reservationId/reschedule',
  summary: 'Choose another time for a reservation that has not begun; it keeps the old one when that is refused (409, with offers)',
  action: 'reservation.operate',
  params: one,
  body: z.object(windowFields),
  answer: { status: 200, schema: reservationAnswerSchema },
});

export const extendReservation = route({
  method: 'post',
  path: '/reservations/:reservationId/extend',
  summary: 'Give a reservation a later end; admitted anew by the same formula, with its total time',
  action: 'reservation.operate',
  params: one,
  body: z.object({ end: momentSchema, timeZone: timeZoneSchema.optional() }),
  answer: { status: 200, schema: reservationAnswerSchema },
});

export const cancelReservation = route({
  method: 'post',
  path: '/reservations/:reservationId/cancel',
  summary: 'Take back a reservation that has not begun; with `series`, every later one of its series too',
  action: 'reservation.operate',
  params: one,
  body: z.object({ series: z.boolean().default(false) }).prefault({}),
  answer,
});

export const releaseReservation = route({
  method: 'post',
  path: '/reservations/:reservationId/release',
  summary: 'Give back the rest of a reservation that has begun; what runs in it goes on as best-effort',
  action: 'reservation.operate',
  params: one,
  answer,
});
