import { z } from 'zod';
import { imageFormatSchema, imageKindSchema, imageSchema, imageStateSchema, imageVisibilitySchema } from '../domain/image';
import { displayNameSchema, ramMiBSchema, sha256Schema, speedSchema, vcpusSchema } from '../domain/limits';
import { idSchema } from '../ids';
import { pageQuerySchema, pageSchema } from './page';
import { route } from './route';

/** What guests of a version read before they are up, of its whole content. */
export const bootSetSchema = z.object({
  bytes: z.int().nonnegative(),
  ofBytes: z.int().positive(),
  /** First boots it was learned from. */
  recordings: z.int().positive(),
  /** "boots from 84 MB of 9.6 GB" */
  sentence: z.string(),
});
export type BootSet = z.infer<typeof bootSetSchema>;

/** An image as the API shows it: while it is being uploaded or read in, with how much of it has arrived. */
export const imageAnswerSchema = imageSchema
  .unwrap()
  .extend({
    receivedBytes: z.int().nonnegative(),
    /** Null until a first boot was recorded. */
    bootSet: bootSetSchema.nullable(),
  })
  .readonly();
export type ImageAnswer = z.infer<typeof imageAnswerSchema>;

const GiB = 1024 * 1024 * 1024;
/** Largest file of each noun; a site's configuration may set a lower one. */
export const largestImageBytes = { disk: 16_384 * GiB, kernel: GiB, ramdisk: 4 * GiB } as const;

/** Printable, one line: it becomes the end of the kernel's command line. */
const kernelArgumentsSchema = z
  .string()
  .max(1000)
  .regex(/^[\x20-\x7e]*$/, 'printable ASCII characters on one line');

const about = {
  /** Absent: the family's name. */
  name: displayNameSchema.optional(),
  /** Makes the next version of this family. Absent: of the family of this name, which is made when there is none. */
  familyId: idSchema.optional(),
  description: z.string().max(2000).default(''),
  /** Absent: as the newest version of its family has it; `public` for the first. */
  visibility: imageVisibilitySchema.optional(),
  /** Needed for the visibility `group`. Absent: as the newest version of its family has it; none for the first. */
  ownerGroupId: idSchema.nullable().optional(),
};

/** SHA-256 of the file, lower-case hexadecimal: `sha256sum` prints it. */
const announced = { ...about, sha256: sha256Schema };

/** How it boots. In an announcement an absent one is as the newest version of its family has it (for the first: none, no argument, and 1); in a change it stays. */
const defaults = {
  defaultKernelId: idSchema.nullable().optional(),
  defaultRamdiskId: idSchema.nullable().optional(),
  defaultVcpus: vcpusSchema.nullable().optional(),
  defaultRamMiB: ramMiBSchema.nullable().optional(),
  /** Least speed of a core of hosts that run it, relative to the reference machine; null: any. */
  minSpeed: speedSchema.nullable().optional(),
  kernelArguments: kernelArgumentsSchema.optional(),
  platformValue: z.number().min(0).max(5).optional(),
};

export const createImageBody = z.object({ ...announced, format: imageFormatSchema, sizeBytes: z.int().min(1).max(largestImageBytes.disk), ...defaults });
export type CreateImageBody = z.output<typeof createImageBody>;

const rawOnly = z.literal('raw').default('raw');
export const createKernelBody = z.object({ ...announced, format: rawOnly, sizeBytes: z.int().min(1).max(largestImageBytes.kernel) });
export const createRamdiskBody = z.object({ ...announced, format: rawOnly, sizeBytes: z.int().min(1).max(largestImageBytes.ramdisk) });

/** A file that lies on the master already. Its size and SHA-256 are taken while it is read in. */
export const importImageBody = z.object({
  /** Absolute, in one of the directories that `images.importDirectories` of the master's configuration names. */
  path: z.string().min(1, 'must not be empty').max(4096, 'at most 4096 characters').regex(/^\/[^\0]*$/, 'an absolute path'),
  kind: imageKindSchema.default('disk'),
  ...about,
  format: imageFormatSchema,
  ...defaults,
});
export type ImportImageBody = z.output<typeof importImageBody>;

const editable = {
  name: displayNameSchema.optional(),
  description: z.string().max(2000).optional(),
  visibility: imageVisibilitySchema.optional(),
  ownerGroupId: idSchema.nullable().optional(),
  /** `deprecated` is offered to no new launch of students and teachers; `ready` is again. */
  state: z.enum(['ready', 'deprecated']).optional(),
};
export const editImageBody = z.object({ ...editable, ...defaults });
export type EditImageBody = z.output<typeof editImageBody>;
export const editKernelBody = z.object(editable);

const one = z.object({ imageId: idSchema });
const listQuery = pageQuerySchema.extend({ state: imageStateSchema.optional(), familyId: idSchema.optional() });
const answer = { status: 200, schema: imageAnswerSchema } as const;
const created = { status: 201, schema: imageAnswerSchema } as const;
const content = { status: 200, contentType: 'application/octet-stream', ranges: true } as const;
const listed = { status: 200, schema: pageSchema(imageAnswerSchema) } as const;

/** A qcow2 is made while it is sent, and takes no room on the master: clusters of the disk's chunks, none of its holes. Nobody asks for a kernel as one. */
const diskFileQuery = z.object({ format: imageFormatSchema.default('raw') });
const fileQuery = z.object({ format: z.literal('raw').default('raw') });

/**
 * Content is sent raw. An upload that broke off goes on: `receivedBytes` of the image says from where, and
 * `offset` (or `Content-Range: bytes a-b/total`) says it back. The last byte starts the check of size,
 * SHA-256 and format; what does not pass leaves nothing behind. The answer waits for the check of a small file; of a
 * larger one it says `checking`, with `checkPercent`, and the check goes on.
 */
const contentQuery = z.object({
  /** Not `offset=`: a variable that is not set must not begin the upload anew. */
  offset: z.preprocess((said) => (said === '' ? 'none' : said), z.coerce.number().int().min(0).optional()),
});

export const listImages = route({ method: 'get', path: '/images', summary: 'Disk images (EMI), newest first', action: 'image.list', query: listQuery, answer: listed });
export const createImage = route({ method: 'post', path: '/images', summary: 'Announce a disk image; its content follows', action: 'image.create', body: createImageBody, answer: created });
export const getImage = route({ method: 'get', path: '/images/:imageId', summary: 'One disk image', action: 'image.see', params: one, answer });
export const putImageContent = route({ method: 'put', path: '/images/:imageId/content', summary: 'Upload a disk image, or go on with it', action: 'image.create', params: one, query: contentQuery, body: 'stream', answer });
export const editImage = route({ method: 'patch', path: '/images/:imageId', summary: 'Change what is said about a disk image, who sees it, or whether it is offered', action: 'image.edit', params: one, body: editImageBody, answer });
export const getImageContent = route({ method: 'get', path: '/images/:imageId/content', summary: 'Download the content of a disk image, raw or as a qcow2, or a range of it', action: 'image.download', params: one, query: diskFileQuery, answer: content });
export const deleteImage = route({ method: 'delete', path: '/images/:imageId', summary: 'Delete a disk image that nothing depends on; else 409 names what does', action: 'image.delete', params: one, answer: { status: 204 } });

export const importImage = route({ method: 'post', path: '/images/import', summary: 'Read in an image that lies on the master', action: 'image.import', body: importImageBody, answer: created });

export const listKernels = route({ method: 'get', path: '/kernels', summary: 'Kernels (EKI), newest first', action: 'image.list', query: listQuery, answer: listed });
export const createKernel = route({ method: 'post', path: '/kernels', summary: 'Announce a kernel; its content follows', action: 'image.create', body: createKernelBody, answer: created });
export const getKernel = route({ method: 'get', path: '/kernels/:imageId', summary: 'One kernel', action: 'image.see', params: one, answer });
export const putKernelContent = route({ method: 'put', path: '/kernels/:imageId/content', summary: 'Upload a kernel, or go on with it', action: 'image.create', params: one, query: contentQuery, body: 'stream', answer });
export const editKernel = route({ method: 'patch', path: '/kernels/:imageId', summary: 'Change what is said about a kernel, who sees it, or whether it is offered', action: 'image.edit', params: one, body: editKernelBody, answer });
export const getKernelContent = route({ method: 'get', path: '/kernels/:imageId/content', summary: 'Download the raw content of a kernel, or a range of it', action: 'image.download', params: one, query: fileQuery, answer: content });
export const deleteKernel = route({ method: 'delete', path: '/kernels/:imageId', summary: 'Delete a kernel that nothing depends on; else 409 names what does', action: 'image.delete', params: one, answer: { status: 204 } });

export const listRamdisks = route({ method: 'get', path: '/ramdisks', summary: 'Ramdisks (ERI), newest first', action: 'image.list', query: listQuery, answer: listed });
export const createRamdisk = route({ method: 'post', path: '/ramdisks', summary: 'Announce a ramdisk; its content follows', action: 'image.create', body: createRamdiskBody, answer: created });
export const getRamdisk = route({ method: 'get', path: '/ramdisks/:imageId', summary: 'One ramdisk', action: 'image.see', params: one, answer });
export const putRamdiskContent = route({ method: 'put', path: '/ramdisks/:imageId/content', summary: 'Upload a ramdisk, or go on with it', action: 'image.create', params: one, query: contentQuery, body: 'stream', answer });
export const editRamdisk = route({ method: 'patch', path: '/ramdisks/:imageId', summary: 'Change what is said about a ramdisk, who sees it, or whether it is offered', action: 'image.edit', params: one, body: editKernelBody, answer });
export const getRamdiskContent = route({ method: 'get', path: '/ramdisks/:imageId/content', summary: 'Download the raw content of a ramdisk, or a range of it', action: 'image.download', params: one, query: fileQuery, answer: content });
export const deleteRamdisk = route({ method: 'delete', path: '/ramdisks/:imageId', summary: 'Delete a ramdisk that nothing depends on; else 409 names what does', action: 'image.delete', params: one, answer: { status: 204 } });
