import { z } from 'zod';
import { idSchema } from '../ids';
import { bandwidthMbpsSchema, diskMiBSchema, displayNameSchema, ramMiBSchema, vcpusSchema } from './limits';

/** Characters of a cloud-init text: with everything else of an instance it has to fit one frame to its slave. */
export const longestCloudInit = 16 * 1024;

/** A cloud-config, given to the guest as NoCloud vendor data: what the instance itself sets goes before it. */
export const cloudInitSchema = z
  .string()
  .max(longestCloudInit, `at most ${longestCloudInit} characters`)
  .refine((text) => text.split('\n', 1)[0]?.trimEnd() === '#cloud-config', 'must begin with the line #cloud-config')
  .refine((text) => !/[^\P{Cc}\t\r\n]|\p{Cs}/u.test(text), 'must be text without control characters');

/** What a group works with, under one name: an image or the production version of a family, sizes, and what the guest sets up at its first boot. */
export const templateSchema = z
  .object({
    id: idSchema,
    name: displayNameSchema,
    description: z.string().max(2000),
    /** Exactly one of these two: this version for ever, or whatever is in production. */
    imageId: idSchema.nullable(),
    familyId: idSchema.nullable(),
    vcpus: vcpusSchema,
    ramMiB: ramMiBSchema,
    /** Null: the image's size. */
    diskMiB: diskMiBSchema.nullable(),
    bandwidthMbps: bandwidthMbpsSchema.nullable(),
    /** Null: the site's default. */
    minutes: z.int().positive().nullable(),
    cloudInit: cloudInitSchema.nullable(),
    /** Groups whose people may use it; none: everybody. The image has to be one they may see. */
    groupIds: z.array(idSchema),
    /** Its owner may change the template, besides who made it. */
    ownerGroupId: idSchema.nullable(),
    createdByUserId: idSchema,
    createdAt: z.iso.datetime(),
    changedAt: z.iso.datetime(),
  })
  .readonly();
export type Template = z.infer<typeof templateSchema>;
