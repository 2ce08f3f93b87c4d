import { z } from 'zod';
import { imageHoldingSchema, preCopySchema } from '../chunks/mirror-messages';
import { imageKindSchema } from '../domain/image';
import { displayNameSchema, sha256Schema } from '../domain/limits';
import { idSchema } from '../ids';
import { route } from './route';

/** How much of a version a host has and is to have. */
const standing = {
  /** Null when nothing of it is there. */
  holding: imageHoldingSchema.unwrap().omit({ manifest: true }).nullable(),
  /** A guest boots there without waiting for it. */
  ready: z.boolean(),
  /** What is to be there ahead of coming guests, and by when; null when nobody is expected. */
  wanted: z.object({ what: preCopySchema, dueAt: z.iso.datetime() }).nullable(),
  sentence: z.string(),
};

export const slaveImagesSchema = z.object({
  /** False: what is shown is what the host's mirror said last, or nothing since the master's start. */
  connected: z.boolean(),
  /** The host has no room for more; nothing is brought ahead meanwhile. */
  poolFull: z.boolean(),
  sentence: z.string(),
  items: z.array(
    z.object({
      manifest: sha256Schema,
      /** The versions of this content that you may see; none when they were deleted. */
      images: z.array(z.object({ id: idSchema, friendlyId: z.string(), kind: imageKindSchema, name: displayNameSchema, version: z.int().positive() })),
      ...standing,
    }),
  ),
});
export type SlaveImages = z.infer<typeof slaveImagesSchema>;

export const imageSlavesSchema = z.object({
  sentence: z.string(),
  items: z.array(z.object({ slaveId: idSchema, name: displayNameSchema, connected: z.boolean(), ...standing })),
});
export type ImageSlaves = z.infer<typeof imageSlavesSchema>;

export const listSlaveImages = route({
  method: 'get',
  path: '/slaves/:slaveId/images',
  summary: 'What a host has of which images, and what it is to have ahead of coming guests, what is due first first',
  action: 'slave.see',
  params: z.object({ slaveId: idSchema }),
  answer: { status: 200, schema: slaveImagesSchema },
});

export const listImageSlaves = route({
  method: 'get',
  path: '/images/:imageId/slaves',
  summary: 'Which hosts have how much of an image, kernel or ramdisk, or are to have it, by name',
  action: 'image.spread',
  params: z.object({ imageId: idSchema }),
  answer: { status: 200, schema: imageSlavesSchema },
});
