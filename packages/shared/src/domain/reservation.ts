import { z } from 'zod';
import { idSchema } from '../ids';
import { priorityPartsSchema } from './decision';
import { bandwidthMbpsSchema, diskMiBSchema, ramMiBSchema, speedSchema, vcpusSchema } from './limits';

export const reservationStateSchema = z.enum(['requested', 'confirmed', 'active', 'released', 'expired', 'no-show', 'cancelled', 'refused']);
export type ReservationState = z.infer<typeof reservationStateSchema>;

export const reservationStateMeanings: Readonly<Record<ReservationState, string>> = {
  requested: 'asked for; decided in the same moment, so it is never stored',
  confirmed: 'holds its place; its window has not begun',
  active: 'its window has begun: members claim from it',
  released: 'given back before its end',
  expired: 'its window is over',
  'no-show': 'nothing of it is claimed after the grace; its room is lent, and still comes back to whoever claims before the end',
  cancelled: 'taken back before it began',
  refused: 'did not fit; never stored, its decision is',
};

/** Every move there is. A moved reservation stays `confirmed`: being moved is a flag. */
export const reservationMoves: Readonly<Record<ReservationState, readonly ReservationState[]>> = {
  requested: ['confirmed', 'refused'],
  confirmed: ['active', 'cancelled', 'expired'],
  active: ['released', 'expired', 'no-show'],
  released: [],
  expired: [],
  'no-show': ['active', 'released', 'expired'],
  cancelled: [],
  refused: [],
};

/** States in which a reservation holds room in the calendar. */
export const holdingReservationStates: readonly ReservationState[] = ['confirmed', 'active', 'no-show'];

/** VMs of one reservation at most; the pool bounds it further, with its own reason. */
export const reservationBounds = { count: { min: 1, max: 10_000 }, minutes: { min: 1, max: 7 * 24 * 60 } } as const;

/** How far the hosts of a reservation are with its image. Being late is no refusal: what is missing is fetched as it is read. */
export const reservationReadinessSchema = z
  .object({
    /** Hosts on which its machines are booked. */
    slaves: z.int().positive(),
    /** Those on which a guest boots without waiting for its image. */
    ready: z.int().nonnegative(),
    sentence: z.string(),
  })
  .readonly();
export type ReservationReadiness = z.infer<typeof reservationReadinessSchema>;

export const reservationSchema = z
  .object({
    id: idSchema,
    state: reservationStateSchema,
    /** Who asked for it, is told of everything about it, and may change it. */
    userId: idSchema,
    /** Its members claim from it; null: only the user does. */
    groupId: idSchema.nullable(),
    /** What its VMs run; null: each claim says. */
    imageId: idSchema.nullable(),
    start: z.iso.datetime(),
    end: z.iso.datetime(),
    /** So many VMs of this size each. */
    count: z.int().positive(),
    vcpus: vcpusSchema,
    ramMiB: ramMiBSchema,
    diskMiB: diskMiBSchema,
    bandwidthMbps: bandwidthMbpsSchema.nullable(),
    minSpeed: speedSchema.optional(),
    /** Claimed so far (the report's total and used cores). */
    used: z.object({ count: z.int().nonnegative(), vcpus: z.int().nonnegative() }),
    priority: priorityPartsSchema,
    /** It gave way to a stronger request, which happens at most once. */
    moved: z
      .object({
        from: z.iso.datetime(),
        to: z.iso.datetime(),
        decisionId: idSchema,
        /** The owner has said that the new time is fine. */
        accepted: z.boolean(),
      })
      .nullable(),
    /** It is one of a weekly series. */
    seriesId: idSchema.nullable(),
    /** Where it stands, in a sentence. */
    sentence: z.string(),
    /** Of one that names an image, when it is read as its start is near or past; absent otherwise. */
    readiness: reservationReadinessSchema.optional(),
    createdAt: z.iso.datetime(),
    changedAt: z.iso.datetime(),
  })
  .readonly();
export type Reservation = z.infer<typeof reservationSchema>;

/** What somebody may claim from now. */
export const claimableSchema = z
  .object({
    reservationId: idSchema,
    /** "CL II has 12 machines until 13:00; 3 are taken. Start one, or resume i-ubuntu-9af." */
    sentence: z.string(),
    end: z.iso.datetime(),
    free: z.int().nonnegative(),
    /** Own instances that are saved and could be resumed under it, besides starting a new one. */
    resumable: z.array(z.object({ instanceId: idSchema, name: z.string() })),
  })
  .readonly();
export type Claimable = z.infer<typeof claimableSchema>;
