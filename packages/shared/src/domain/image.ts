import { z } from 'zod';
import { idSchema } from '../ids';
import { displayNameSchema, ramMiBSchema, sha256Schema, vcpusSchema } from './limits';

/** EMI, EKI and ERI of the 2014 report: one table, three kinds. */
export const imageKindSchema = z.enum(['disk', 'kernel', 'ramdisk']);
export type ImageKind = z.infer<typeof imageKindSchema>;

/** Kernels and ramdisks are `raw` files. qcow2 disks with a backing or data file are refused at intake. */
export const imageFormatSchema = z.enum(['raw', 'qcow2']);
export type ImageFormat = z.infer<typeof imageFormatSchema>;

/** `deprecated` and `deleting` are kept for later (DESIGN §5): nothing sets them yet. */
export const imageStateSchema = z.enum(['uploading', 'checking', 'ready', 'deprecated', 'deleting']);
export type ImageState = z.infer<typeof imageStateSchema>;

export const imageSchema = z
  .object({
    id: idSchema,
    /** EMI-UBUNTU-9AF */
    friendlyId: z.string(),
    kind: imageKindSchema,
    name: displayNameSchema,
    description: z.string().max(2000),
    format: imageFormatSchema,
    /** Bytes of the file as uploaded and as slaves fetch it. */
    sizeBytes: z.int().positive(),
    sha256: sha256Schema,
    /** Size the guest sees, MiB rounded up; null until checked, and for kernels and ramdisks. */
    virtualSizeMiB: z.int().nullable(),
    state: imageStateSchema,
    reason: z.string().nullable(),
    /** Defaults of a disk image; null for kernels and ramdisks, and for disks that boot by themselves. */
    defaultKernelId: idSchema.nullable(),
    defaultRamdiskId: idSchema.nullable(),
    defaultVcpus: vcpusSchema.nullable(),
    defaultRamMiB: ramMiBSchema.nullable(),
    /** Appended to the kernel's command line when a kernel is given. */
    kernelArguments: z.string().max(1000),
    /** PfV of the priority formula, 0 to 5. */
    platformValue: z.number().min(0).max(5),
    ownerGroupId: idSchema.nullable(),
    createdAt: z.iso.datetime(),
  })
  .readonly();
export type Image = z.infer<typeof imageSchema>;
