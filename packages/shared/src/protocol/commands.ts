import { z } from 'zod';
import { sha256Schema } from '../domain/limits';
import { idSchema } from '../ids';
import { streamEndSchema, streamTicketSchema } from './streams';

/** A disk that is to be frozen for a snapshot. */
const freezeWishSchema = z
  .object({
    instanceId: idSchema,
    generation: z.int().positive(),
    /** Manifests that the master has, against any of which it may be sent. */
    bases: z.array(sha256Schema).max(8),
    /** Its saved RAM is kept with it: of one that runs it is refused, one that is off has none. Since version 5. */
    ram: z.boolean().optional(),
  })
  .readonly();
export type FreezeWish = z.infer<typeof freezeWishSchema>;

/**
 * One-shot verbs: they answer something, and but for those of snapshots leave nothing behind. A closed list with typed arguments.
 * Those of snapshots name what they make, so that one that is asked twice is done once. Since version 4:
 *
 *   freeze-disks   what these disks hold now is kept for the snapshot, all as near to one moment as can be; guests go on in new layers
 *   send-disk      sends what differs from the base of the frozen disk to `agentDeltaPath(imageId)`, from where an earlier try ended;
 *                  with `what: 'ram'` (version 5) the RAM that was kept with it, as a delta against nothing (`emptyContent`)
 *   send-home      what a home volume holds that nothing uses any more is sent as `send-disk` sends, as a delta against `base`; answers
 *                  null where this slave has none of that epoch. Since version 5, as the next one. `savedWith` (version 6) names an instance
 *                  that is saved with it open, and leaves this slave together with it
 *   drop-home      nothing of the volume remains here that is of this epoch or an earlier one; a later one is left alone
 *   end-snapshot   forgets the snapshot of that disk; `manifest` names what it was taken as, null that it is given up
 */
export const commandSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('freeze-disks'), snapshotId: idSchema, disks: z.array(freezeWishSchema).min(1).max(200) }),
  z.object({ kind: z.literal('send-disk'), snapshotId: idSchema, instanceId: idSchema, imageId: idSchema, what: z.enum(['disk', 'ram']).optional() }),
  z.object({ kind: z.literal('end-snapshot'), snapshotId: idSchema, instanceId: idSchema, manifest: sha256Schema.nullable() }),
  z.object({ kind: z.literal('send-home'), volumeId: idSchema, epoch: z.int().positive(), imageId: idSchema, base: sha256Schema, savedWith: idSchema.optional() }),
  z.object({ kind: z.literal('drop-home'), volumeId: idSchema, epoch: z.int().positive() }),
  /** Dials `agentStreamPath` with this ticket, and joins that stream to what is named. Since version 6. */
  z.object({ kind: z.literal('open-stream'), ticket: streamTicketSchema, end: streamEndSchema }),
  z.object({ kind: z.literal('serial-log'), instanceId: idSchema, /** Bytes from the end. */ tailBytes: z.int().min(1).max(256 * 1024) }),
  z.object({ kind: z.literal('screenshot'), instanceId: idSchema }),
  z.object({ kind: z.literal('describe') }),
]);
export type Command = Readonly<z.infer<typeof commandSchema>>;

export const commandOrderSchema = z
  .object({
    commandId: idSchema,
    /** Generation of the instance the command is about; null for the host. An older one is refused. */
    generation: z.int().positive().nullable(),
    deadlineMs: z.int().positive().max(600_000),
    command: commandSchema,
  })
  .readonly();
export type CommandOrder = z.infer<typeof commandOrderSchema>;

export const commandResultSchema = z
  .object({
    commandId: idSchema,
    outcome: z.discriminatedUnion('ok', [
      z.object({
        ok: z.literal(true),
        /** Text of a log, or base64 of a PNG, by `kind`; null for describe, which is sent as a report. */
        body: z.string().max(900_000).nullable(),
      }),
      z.object({ ok: z.literal(false), code: z.enum(['stale', 'unknown-instance', 'unsupported', 'failed', 'deadline']), message: z.string().max(1000) }),
    ]),
  })
  .readonly();
export type CommandResult = z.infer<typeof commandResultSchema>;

/** What became of one disk of `freeze-disks`; its answer's body is the JSON of an array of them, in the order asked. */
export const frozenDiskSchema = z.discriminatedUnion('ok', [
  z.object({
    instanceId: idSchema,
    ok: z.literal(true),
    /** `off` and `saved`: the disk as it lies, nobody writes on it. */
    how: z.enum(['running', 'off', 'saved']),
    /** The guest's agent brought its file systems to rest first. */
    quiesced: z.boolean(),
    /** What its delta is against. */
    base: sha256Schema,
    /** Of the guest's disk. */
    sizeBytes: z.int().positive(),
    /** Of the content that its RAM is, a multiple of 4 KiB; absent when none was asked for, or it is off. */
    ramBytes: z.int().positive().optional(),
  }),
  z.object({ instanceId: idSchema, ok: z.literal(false), message: z.string().max(1000) }),
]);
export type FrozenDisk = Readonly<z.infer<typeof frozenDiskSchema>>;
export const frozenDisksSchema = z.array(frozenDiskSchema).readonly();

/** Body of the answer to `send-disk`: bytes of the delta, and of the blocks in it. */
export const sentDiskSchema = z.object({ deltaBytes: z.int().positive(), dirtiedBytes: z.int().nonnegative() }).readonly();
export type SentDisk = z.infer<typeof sentDiskSchema>;

/** Body of the answer to `send-home`; null: this slave has nothing of that epoch. */
export const sentHomeSchema = sentDiskSchema.nullable();
export type SentHome = z.infer<typeof sentHomeSchema>;
