import { readPhaseSchema } from '@paravcl/shared/chunks/access-pattern';
import { imageHoldingSchema } from '@paravcl/shared/chunks/mirror-messages';
import { sha256Schema } from '@paravcl/shared/domain/limits';
import { idSchema } from '@paravcl/shared/ids';
import { z } from 'zod';

/**
 * How the agent speaks to the mirror of its host: HTTP over `<pool>/mirror/control.sock`, JSON both ways,
 * errors as `{code, message}`. Only root opens the socket.
 *
 *   PUT /images/:manifest      what is wanted of it; answered with how far it is. Say it again to follow.
 *   GET /images                all images of this host
 *   PUT /instances/:id/phase   where its guest is, for the recording of what it reads
 *   GET /status
 */
export const imageWishSchema = z.strictObject({
  /**
   * `serve`: the manifest is here and guests can read it over NBD. `whole`: every chunk is here and checked. `check`: what is
   * here was hashed again since this was asked for first, and what was damaged brought again; how it ended is told for five seconds.
   */
  want: z.enum(['serve', 'whole', 'check']),
});
export type ImageWish = z.infer<typeof imageWishSchema>;

export const checkStandingSchema = z.object({
  /** Of all chunks of the image so many were looked at. */
  checkedChunks: z.int().nonnegative(),
  damagedChunks: z.int().nonnegative(),
  /** Damaged ones that nobody could give again. */
  missingChunks: z.int().nonnegative(),
  /** Why the check ended early; null when it did not. */
  fault: z.string().nullable(),
});
export type CheckStanding = z.infer<typeof checkStandingSchema>;

export const imageStandingSchema = z.object({
  manifest: sha256Schema,
  sizeBytes: z.int().positive(),
  /** What was wanted holds. With `serve` that is as good as always so. */
  done: z.boolean(),
  /** Every byte is here and checked since the host was started: `path` is a plain raw file. */
  complete: z.boolean(),
  presentChunks: z.int().nonnegative(),
  totalChunks: z.int().positive(),
  /** Of its manifest; a mirror of an earlier release, which outlives its agent's upgrade, does not tell. */
  chunkBytes: z.int().positive().optional(),
  /** Absolute path of the file with the bytes; has holes where chunks are missing. */
  path: z.string(),
  /** Unix socket of the NBD server, and the export's name to which `.<instance id>` may be added. */
  socket: z.string(),
  exportName: z.string(),
  /** With `check` alone. */
  check: checkStandingSchema.optional(),
});
export type ImageStanding = z.infer<typeof imageStandingSchema>;

export const imageListSchema = z.object({
  images: z.array(
    z.object({
      holding: imageHoldingSchema,
      sizeBytes: z.int(),
      storedBytes: z.int(),
      usedAt: z.iso.datetime(),
      heldBy: z.array(idSchema),
      /** Whether what is here is believed, or still to be hashed; a mirror of an earlier release tells neither this nor the next. */
      isChecked: z.boolean().optional(),
      /** Since when every chunk that was here then was hashed; null when nobody knows. */
      checkedAt: z.iso.datetime().nullable().optional(),
    }),
  ),
});
export type ImageList = z.infer<typeof imageListSchema>;

export const phaseBodySchema = z.strictObject({ phase: readPhaseSchema });

export const mirrorStatusSchema = z.object({
  build: z.string(),
  /** Null while the master cannot be asked. */
  masterSince: z.iso.datetime().nullable(),
  poolFull: z.boolean(),
  /** Guests that read through it now. */
  readers: z.int().nonnegative(),
  /** Since its start. */
  fromPeersBytes: z.int().nonnegative(),
  fromMasterBytes: z.int().nonnegative(),
  toPeersBytes: z.int().nonnegative(),
  /** Taken from other images of this host instead of being fetched; a mirror of an earlier release, which outlives its agent's upgrade, does not tell. */
  fromOtherImagesBytes: z.int().nonnegative().optional(),
  peerPort: z.int().nullable(),
});
export type MirrorStatus = z.infer<typeof mirrorStatusSchema>;

/** `unavailable`: nobody could be asked yet, try again; `missing`: the site has no such version; `no-room`. */
export const controlErrorSchema = z.object({ code: z.enum(['unavailable', 'missing', 'no-room', 'invalid', 'failed']), message: z.string() });
export type ControlError = z.infer<typeof controlErrorSchema>;

export const mirrorFiles = { directory: 'mirror', images: 'images', nbdSocket: 'nbd.sock', controlSocket: 'control.sock' } as const;
