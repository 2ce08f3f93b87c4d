import { z } from 'zod';
import { idSchema } from '../ids';
import { displayNameSchema } from './limits';

/** `pending`: not there yet. `ready`: every disk of it is an image version. `failed`: nothing of it is kept. */
export const snapshotStateSchema = z.enum(['pending', 'ready', 'failed']);
export type SnapshotState = z.infer<typeof snapshotStateSchema>;

/**
 * How far one disk is: `wanted` by nobody told yet, `frozen` on its host, `received` by the master, `kept` in the store
 * as a whole content.
 */
export const snapshotPartStateSchema = z.enum(['wanted', 'frozen', 'received', 'kept', 'failed']);
export type SnapshotPartState = z.infer<typeof snapshotPartStateSchema>;

/** As it is shown: of a snapshot that is ready, the image of a disk may have been `deleted` since. */
const shownPartStateSchema = z.enum([...snapshotPartStateSchema.options, 'deleted']);

/** What a disk was doing when it was frozen. */
export const frozenHowSchema = z.enum(['running', 'off', 'saved']);
export type FrozenHow = z.infer<typeof frozenHowSchema>;

const snapshotPartSchema = z
  .object({
    instanceId: idSchema,
    instanceName: z.string(),
    /** The image version that it is once the snapshot is ready; until then there is none of this id, and when that was deleted none any more. */
    imageId: idSchema,
    state: shownPartStateSchema,
    /** What its guest was doing; null until it is frozen. A running one is as after a power cut, unless it was quiesced. */
    how: frozenHowSchema.nullable(),
    /** The guest brought its file systems to rest for it; null until it is frozen. */
    quiesced: z.boolean().nullable(),
    /** Bytes of blocks that were sent because they had changed; null until they are here. */
    dirtiedBytes: z.int().nonnegative().nullable(),
    /** The RAM that its guest was saved with is kept too: restored, it goes on with everything open. */
    ram: z.boolean(),
    /** What went wrong with it. */
    sentence: z.string().nullable(),
  })
  .readonly();

/** What disks of instances held at one moment, each a whole image version. */
export const snapshotSchema = z
  .object({
    id: idSchema,
    name: displayNameSchema,
    state: snapshotStateSchema,
    /** How it stands, in words. */
    sentence: z.string(),
    userId: idSchema,
    deploymentId: idSchema.nullable(),
    /** The family whose next version was asked for; null for a family of the instance's own. */
    familyId: idSchema.nullable(),
    parts: z.array(snapshotPartSchema).readonly(),
    createdAt: z.iso.datetime(),
    endedAt: z.iso.datetime().nullable(),
  })
  .readonly();
export type Snapshot = z.infer<typeof snapshotSchema>;
