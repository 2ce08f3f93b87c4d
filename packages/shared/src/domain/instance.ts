import { z } from 'zod';
import { idSchema } from '../ids';
import { priorityPartsSchema } from './decision';
import { desiredStateSchema, observedStateSchema } from './instance-state';
import { bandwidthMbpsSchema, diskMiBSchema, hostLabelSchema, ipv4Schema, macSchema, ramMiBSchema, speedSchema, vcpusSchema } from './limits';
import { reasonSchema } from './reasons';

/** Best-effort or advance-reservation (2014 report). */
export const instanceTypeSchema = z.enum(['BE', 'AR']);

export const instanceSchema = z
  .object({
    id: idSchema,
    /** Host name in the guest and friendly id: i-ubuntu-9af. Unique in the site. */
    name: hostLabelSchema,
    type: instanceTypeSchema,
    userId: idSchema,
    groupId: idSchema.nullable(),
    imageId: idSchema,
    kernelId: idSchema.nullable(),
    ramdiskId: idSchema.nullable(),
    vcpus: vcpusSchema,
    ramMiB: ramMiBSchema,
    diskMiB: diskMiBSchema,
    bandwidthMbps: bandwidthMbpsSchema.nullable(),
    /** Least speed of a core of the host it is placed on, relative to the reference machine; absent: any. */
    minSpeed: speedSchema.optional(),
    slaveId: idSchema.nullable(),
    /** It is off and on no slave: its disk is in the store, and its next start goes wherever there is room. */
    inStore: z.boolean(),
    /** It has its owner's home volume, or waits with it. */
    home: z.boolean(),
    desired: desiredStateSchema,
    observed: observedStateSchema,
    /** Rises with every change of what is desired; slaves refuse an older one. */
    generation: z.int().positive(),
    /** Why it waits, failed, or is where nobody asked it to be. */
    reason: reasonSchema.nullable(),
    /** While it gets less of a processor than its due: since when, and by how much; absent when it does not. */
    shortOfProcessor: z.object({ since: z.iso.datetime(), sentence: z.string() }).readonly().optional(),
    /** MAC and address are null once it is deleted: they went back to the pool. */
    mac: macSchema.nullable(),
    address: ipv4Schema.nullable(),
    /** How long it may run, from its placement or its last start or resume; null: without end. */
    minutes: z.int().positive().nullable(),
    /** When it is saved by itself, unless it is given more time; null while it has no slave, or without end. */
    endsAt: z.iso.datetime().nullable(),
    /** Para-Scheduling's priority, fixed at the request; an extension makes it anew. */
    priority: priorityPartsSchema,
    /** The reservation it was claimed from, while that lasts. */
    reservationId: idSchema.nullable(),
    /** Since when it waits in the queue to go on where it is saved; null when nobody wants it to, or when it runs. */
    queuedAt: z.iso.datetime().nullable(),
    /** How often it was suspended for others today; the site's limit protects it from more. */
    preemptionsToday: z.int().nonnegative(),
    /** Since when it is in the recycle bin, from where it can be restored; null when it is not there. */
    recycledAt: z.iso.datetime().nullable(),
    /** When it is deleted from there at the earliest; null when never, or when it is not there. */
    recycledUntil: z.iso.datetime().nullable(),
    /** When it goes into the recycle bin by the site's policy, unless somebody needs it before; null when never. */
    agesOutAt: z.iso.datetime().nullable(),
    createdAt: z.iso.datetime(),
    changedAt: z.iso.datetime(),
    /** When the present transitional state counts as failed. */
    deadlineAt: z.iso.datetime().nullable(),
  })
  .readonly();
export type Instance = z.infer<typeof instanceSchema>;

/** One line of an instance's history: a change of what is desired, of what is observed, or of its slave. */
export const instanceTransitionSchema = z
  .object({
    at: z.iso.datetime(),
    generation: z.int().positive(),
    desired: desiredStateSchema,
    from: observedStateSchema.nullable(),
    to: observedStateSchema,
    slaveId: idSchema.nullable(),
    reason: reasonSchema.nullable(),
    /** "user alice", "slave lab-pc-07", "scheduler", "deadline". */
    by: z.string(),
  })
  .readonly();
export type InstanceTransition = z.infer<typeof instanceTransitionSchema>;
