import { z } from 'zod';
import { idSchema } from '../ids';
import { displayNameSchema, ramMiBSchema, sha256Schema, speedSchema, vcpusSchema } from './limits';

/** EMI, EKI and ERI of the 2014 report: one table, three kinds. */
export const imageKindSchema = z.enum(['disk', 'kernel', 'ramdisk']);
export type ImageKind = z.infer<typeof imageKindSchema>;

/** Kernels and ramdisks are `raw` files. qcow2 disks with a backing or data file are refused at intake. */
export const imageFormatSchema = z.enum(['raw', 'qcow2']);
export type ImageFormat = z.infer<typeof imageFormatSchema>;

/** `deprecated`: offered to no new launch but by those who run the site; instances of it go on. `deleting` is kept for later: nothing sets it yet. */
export const imageStateSchema = z.enum(['uploading', 'checking', 'ready', 'deprecated', 'deleting']);
export type ImageState = z.infer<typeof imageStateSchema>;

/** Who sees and launches a version: everybody, the people of its owner group, or who made it. Operators and admins all. */
export const imageVisibilitySchema = z.enum(['public', 'group', 'private']);
export type ImageVisibility = z.infer<typeof imageVisibilitySchema>;

/** A name people know. The images of the family are its versions; a launch of the family gets the one in production. */
export const imageFamilySchema = z
  .object({
    id: idSchema,
    kind: imageKindSchema,
    name: displayNameSchema,
    description: z.string().max(2000),
    /** The first version that became ready, until another is chosen; null while none is, or when it is not yours to see. */
    productionImageId: idSchema.nullable(),
    /** Those that you may see. */
    versionCount: z.int().nonnegative(),
    createdAt: z.iso.datetime(),
  })
  .readonly();
export type ImageFamily = z.infer<typeof imageFamilySchema>;

/** One version of a family: its content never changes. */
export const imageSchema = z
  .object({
    id: idSchema,
    /** EMI-UBUNTU-9AF */
    friendlyId: z.string(),
    kind: imageKindSchema,
    name: displayNameSchema,
    description: z.string().max(2000),
    format: imageFormatSchema,
    familyId: idSchema,
    familyName: displayNameSchema,
    /** Counts up in its family; the number of a deleted version is not given again. */
    version: z.int().positive(),
    /** It is what a launch of its family gets. */
    production: z.boolean(),
    visibility: imageVisibilitySchema,
    /** Bytes of the file as uploaded. */
    sizeBytes: z.int().positive(),
    /** Of the file as uploaded; null while a file of the server is still being read in. */
    sha256: sha256Schema.nullable(),
    /** Names its content: equal ones have the same bytes. Null until it is ready, for images of earlier releases until they are taken into the store, and for who may not change images. */
    manifestId: sha256Schema.nullable(),
    /** Bytes of the raw content, which is what a guest sees and a download gets. */
    contentBytes: z.int().positive().nullable(),
    /** How far its check is; null when none is under way. */
    checkPercent: z.int().min(0).max(100).nullable(),
    /** Size the guest sees, MiB rounded up; null until checked, and for kernels and ramdisks. */
    virtualSizeMiB: z.int().nullable(),
    state: imageStateSchema,
    reason: z.string().nullable(),
    /** Defaults of a disk image; null for kernels and ramdisks, and for disks that boot by themselves. */
    defaultKernelId: idSchema.nullable(),
    defaultRamdiskId: idSchema.nullable(),
    defaultVcpus: vcpusSchema.nullable(),
    defaultRamMiB: ramMiBSchema.nullable(),
    /** Least speed of a core of hosts that run it, relative to the reference machine; absent: any. */
    minSpeed: speedSchema.optional(),
    /** Appended to the kernel's command line when a kernel is given. */
    kernelArguments: z.string().max(1000),
    /** PfV of the priority formula, 0 to 5. */
    platformValue: z.number().min(0).max(5),
    ownerGroupId: idSchema.nullable(),
    createdAt: z.iso.datetime(),
  })
  .readonly();
export type Image = z.infer<typeof imageSchema>;
