import { z } from 'zod';
import { imageFormatSchema, imageSchema, imageStateSchema } from '../domain/image';
import { displayNameSchema, ramMiBSchema, sha256Schema, vcpusSchema } from '../domain/limits';
import { idSchema } from '../ids';
import { pageQuerySchema, pageSchema } from './page';
import { route } from './route';

/** An image as the API shows it: while it is being uploaded, with how much of it has arrived. */
export const imageAnswerSchema = imageSchema.unwrap().extend({ receivedBytes: z.int().nonnegative() }).readonly();
export type ImageAnswer = z.infer<typeof imageAnswerSchema>;

const GiB = 1024 * 1024 * 1024;
/** Largest file of each noun; a site's configuration may set a lower one. */
export const largestImageBytes = { disk: 16_384 * GiB, kernel: GiB, ramdisk: 4 * GiB } as const;

const common = {
  name: displayNameSchema,
  description: z.string().max(2000).default(''),
  /** SHA-256 of the file, lower-case hexadecimal: `sha256sum` prints it. */
  sha256: sha256Schema,
  ownerGroupId: idSchema.nullable().default(null),
};

export const createImageBody = z.object({
  ...common,
  format: imageFormatSchema,
  sizeBytes: z.int().min(1).max(largestImageBytes.disk),
  defaultKernelId: idSchema.nullable().default(null),
  defaultRamdiskId: idSchema.nullable().default(null),
  defaultVcpus: vcpusSchema.nullable().default(null),
  defaultRamMiB: ramMiBSchema.nullable().default(null),
  /** Printable, one line: it becomes the end of the kernel's command line. */
  kernelArguments: z
    .string()
    .max(1000)
    .regex(/^[\x20-\x7e]*$/, 'printable ASCII characters on one line')
    .default(''),
  platformValue: z.number().min(0).max(5).default(1),
});
export type CreateImageBody = z.output<typeof createImageBody>;

const rawOnly = z.literal('raw').default('raw');
export const createKernelBody = z.object({ ...common, format: rawOnly, sizeBytes: z.int().min(1).max(largestImageBytes.kernel) });
export const createRamdiskBody = z.object({ ...common, format: rawOnly, sizeBytes: z.int().min(1).max(largestImageBytes.ramdisk) });

const one = z.object({ imageId: idSchema });
const listQuery = pageQuerySchema.extend({ state: imageStateSchema.optional() });
const answer = { status: 200, schema: imageAnswerSchema } as const;
const created = { status: 201, schema: imageAnswerSchema } as const;
const listed = { status: 200, schema: pageSchema(imageAnswerSchema) } as const;

/**
 * Content is sent raw. An upload that broke off goes on: `receivedBytes` of the image says from where, and
 * `offset` (or `Content-Range: bytes a-b/total`) says it back. The last byte starts the check of size,
 * SHA-256 and format; what does not pass leaves nothing behind.
 */
const contentQuery = z.object({ offset: z.coerce.number().int().min(0).optional() });

export const listImages = route({ method: 'get', path: '/images', summary: 'Disk images (EMI), newest first', action: 'image.list', query: listQuery, answer: listed });
export const createImage = route({ method: 'post', path: '/images', summary: 'Announce a disk image; its content follows', action: 'image.create', body: createImageBody, answer: created });
export const getImage = route({ method: 'get', path: '/images/:imageId', summary: 'One disk image', action: 'image.see', params: one, answer });
export const putImageContent = route({ method: 'put', path: '/images/:imageId/content', summary: 'Upload a disk image, or go on with it', action: 'image.create', params: one, query: contentQuery, body: 'stream', answer });
export const deleteImage = route({ method: 'delete', path: '/images/:imageId', summary: 'Delete a disk image that nothing uses', action: 'image.delete', params: one, answer: { status: 204 } });

export const listKernels = route({ method: 'get', path: '/kernels', summary: 'Kernels (EKI), newest first', action: 'image.list', query: listQuery, answer: listed });
export const createKernel = route({ method: 'post', path: '/kernels', summary: 'Announce a kernel; its content follows', action: 'image.create', body: createKernelBody, answer: created });
export const getKernel = route({ method: 'get', path: '/kernels/:imageId', summary: 'One kernel', action: 'image.see', params: one, answer });
export const putKernelContent = route({ method: 'put', path: '/kernels/:imageId/content', summary: 'Upload a kernel, or go on with it', action: 'image.create', params: one, query: contentQuery, body: 'stream', answer });
export const deleteKernel = route({ method: 'delete', path: '/kernels/:imageId', summary: 'Delete a kernel that nothing uses', action: 'image.delete', params: one, answer: { status: 204 } });

export const listRamdisks = route({ method: 'get', path: '/ramdisks', summary: 'Ramdisks (ERI), newest first', action: 'image.list', query: listQuery, answer: listed });
export const createRamdisk = route({ method: 'post', path: '/ramdisks', summary: 'Announce a ramdisk; its content follows', action: 'image.create', body: createRamdiskBody, answer: created });
export const getRamdisk = route({ method: 'get', path: '/ramdisks/:imageId', summary: 'One ramdisk', action: 'image.see', params: one, answer });
export const putRamdiskContent = route({ method: 'put', path: '/ramdisks/:imageId/content', summary: 'Upload a ramdisk, or go on with it', action: 'image.create', params: one, query: contentQuery, body: 'stream', answer });
export const deleteRamdisk = route({ method: 'delete', path: '/ramdisks/:imageId', summary: 'Delete a ramdisk that nothing uses', action: 'image.delete', params: one, answer: { status: 204 } });
