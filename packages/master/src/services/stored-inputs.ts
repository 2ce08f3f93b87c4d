import { observedStateSchema } from '@paravcl/shared/domain/instance-state';
import { priorityPartsSchema } from '@paravcl/shared/domain/decision';
import { reasonCodeSchema, reasonSchema } from '@paravcl/shared/domain/reasons';
import { reservationStateSchema } from '@paravcl/shared/domain/reservation';
import { admissionSchema, hypervisorKindSchema, livenessSchema, slaveKindSchema } from '@paravcl/shared/domain/slave';
import { z } from 'zod';
import type { RoundInputs } from '../core/replay';
import type { ReservationInputs } from '../core/replay-reservation';
import type { HeldReservation, ReservationRequest } from '../core/reservation-request';
import type { ReservationRules } from '../core/reservation-rules';
import type { Room, Rules, SlaveView, Snapshot, WaitingInstance } from '../core/snapshot';

/**
 * What decisions were made of, read back for making them again. The shapes are those of `core/snapshot` as they are now: what
 * an older master kept may lack a field, or have it otherwise. What is there beyond them is left as it is.
 */

const room: z.ZodType<Room> = z.looseObject({ vcpus: z.number(), ramMiB: z.number(), diskMiB: z.number(), bandwidthMbps: z.number(), speed: z.number().optional() });
const window = { start: z.number(), end: z.number() };
const savedOn = z.looseObject({ kind: hypervisorKindSchema, machine: z.string().nullable(), cpu: z.string().nullable(), qemu: z.string().nullable() });
const type = z.enum(['BE', 'AR']);

const whose = { id: z.string(), name: z.string(), type, userId: z.string(), groupId: z.string().nullable(), generation: z.number(), need: room };

const running = z.looseObject({
  ...whose,
  observed: observedStateSchema,
  pi: z.number(),
  since: z.number(),
  endsAt: z.number().nullable(),
  leaving: z.boolean(),
  sparedUntil: z.number().nullable(),
  beginsFor: z.string().optional(),
});

const booking = z.looseObject({ ...window, reservationId: z.string(), ownerName: z.string(), slot: z.number(), need: room, instanceId: z.string().nullable() });

const slave = z.looseObject({
  id: z.string(),
  name: z.string(),
  kind: slaveKindSchema,
  contributing: z.boolean(),
  registeredAt: z.number(),
  admission: admissionSchema,
  liveness: livenessSchema,
  connected: z.boolean(),
  hypervisor: z.looseObject({ usable: z.boolean(), why: z.string() }),
  savesRam: z.looseObject({ on: savedOn, protocol: z.number().nullable() }).optional(),
  troubles: z.array(z.string()),
  clockWrong: z.string().nullable(),
  capacity: room,
  poolAvailableMiB: z.number(),
  promised: room,
  running: z.array(running),
  bookings: z.array(booking),
  saveMiBPerSecond: z.number(),
});

/** Slaves as they were read. Rounds that follow each other have most of theirs in common, as the same values, and what is derived of one holds for all. */
const known = new WeakMap<object, SlaveView>();

const slaveOnce: z.ZodType<SlaveView> = z.unknown().transform((kept, context) => {
  const before = typeof kept === 'object' && kept !== null ? known.get(kept) : undefined;
  if (before !== undefined) return before;
  const { data, error } = slave.safeParse(kept);
  if (data === undefined) {
    for (const issue of error.issues) context.addIssue({ ...issue });
    return z.NEVER;
  }
  known.set(kept as object, data);
  return data;
});

const rules: z.ZodType<Rules> = z.looseObject({
  criticalShare: z.number(),
  noShowGraceMs: z.number(),
  shortestLoanMs: z.number(),
  saveOverheadMs: z.number(),
  saveSafety: z.number(),
  horizonMs: z.number(),
  agingPerHour: z.number(),
  timeZone: z.string(),
});

const snapshot: z.ZodType<Snapshot> = z.looseObject({ slaves: z.array(slaveOnce), rules, lastPlacedOn: z.string().nullable() });

const attempt = z.looseObject({ slaveId: z.string(), slaveName: z.string(), code: reasonCodeSchema.nullable(), sentence: z.string().nullable(), cleaning: z.boolean() });

const waiting: z.ZodType<WaitingInstance> = z.looseObject({
  ...whose,
  priority: priorityPartsSchema,
  createdAt: z.number(),
  waitsSince: z.number(),
  runMs: z.number().nullable(),
  attempts: z.array(attempt),
  boundTo: z.string().nullable(),
  nominatedTo: z.string().nullable(),
  booking: z.looseObject({ ...window, reservationId: z.string(), slaveId: z.string() }).nullable(),
  spared: z.boolean(),
  reason: reasonSchema.nullable(),
  homeMiB: z.number().optional(),
  ramSavedOn: savedOn.optional(),
  deployment: z.looseObject({ id: z.string(), name: z.string(), slaveIds: z.array(z.string()).nullable(), perHostLimit: z.number() }).optional(),
});

const round: z.ZodType<RoundInputs> = z.looseObject({ at: z.number(), snapshot, waiting: z.array(waiting), policy: z.string() });

const reservationRules: z.ZodType<ReservationRules> = z.looseObject({
  timeZone: z.string(),
  opensAtMinute: z.number(),
  closesAtMinute: z.number(),
  latestStartMinute: z.number().nullable(),
  stepMinutes: z.number(),
  minMinutes: z.number(),
  maxMinutes: z.number(),
  firstDay: z.number(),
  lastDay: z.number(),
  mostOpen: z.number(),
  moveSteps: z.number(),
});

const asked = { ...window, id: z.string(), count: z.number(), need: room, pi: z.number(), rules: reservationRules };

const held: z.ZodType<HeldReservation> = z.looseObject({ ...asked, ownerName: z.string(), userId: z.string().optional(), state: reservationStateSchema, moved: z.boolean(), createdAt: z.number() });

const fixed = z.looseObject({ slot: z.number(), slaveId: z.string(), promisedDiskMiB: z.number(), heldUntil: z.number() });
const request: z.ZodType<ReservationRequest> = z.looseObject({ ...asked, fixed: z.array(fixed), askedBy: z.string().optional() });

const reservation: z.ZodType<ReservationInputs> = z.looseObject({ at: z.number(), world: snapshot, held: z.array(held), request: request.nullable() });

export type StoredInputs =
  | { readonly of: 'round'; readonly inputs: RoundInputs }
  | { readonly of: 'reservation'; readonly inputs: ReservationInputs }
  /** Kept by a master whose shapes were others: the first field that is not as it is now. */
  | { readonly of: 'another-version'; readonly field: string };

/** What was kept of a decision, as the scheduler takes it now; of a round that was put together from steps, whole. */
export function storedInputs(kept: Readonly<Record<string, unknown>>): StoredInputs {
  if ('after' in kept) return { of: 'another-version', field: 'the steps between rounds' };
  if ('snapshot' in kept) {
    const parsed = round.safeParse(kept);
    return parsed.success ? { of: 'round', inputs: parsed.data } : anotherVersion(parsed.error);
  }
  const parsed = reservation.safeParse(kept);
  return parsed.success ? { of: 'reservation', inputs: parsed.data } : anotherVersion(parsed.error);
}

function anotherVersion({ issues: [first] }: z.ZodError): StoredInputs {
  return { of: 'another-version', field: first === undefined || first.path.length === 0 ? 'inputs' : first.path.map(String).join('.') };
}
