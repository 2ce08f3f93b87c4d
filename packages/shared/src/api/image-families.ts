import { z } from 'zod';
import { imageFamilySchema, imageKindSchema } from '../domain/image';
import { displayNameSchema } from '../domain/limits';
import { idSchema } from '../ids';
import { imageAnswerSchema } from './images';
import { pageQuerySchema, pageSchema } from './page';
import { route } from './route';

/** Versions that one answer shows, newest first; lists of images by `familyId` show all. */
export const mostShownVersions = 100;

/** A family with those of its versions that one may see, newest first. */
export const imageFamilyAnswerSchema = imageFamilySchema.unwrap().extend({ versions: z.array(imageAnswerSchema).max(mostShownVersions) }).readonly();
export type ImageFamilyAnswer = z.infer<typeof imageFamilyAnswerSchema>;

const one = z.object({ familyId: idSchema });
const answer = { status: 200, schema: imageFamilyAnswerSchema } as const;

export const listImageFamilies = route({
  method: 'get',
  path: '/image-families',
  summary: 'Names of images, kernels and ramdisks, newest first; those of which one may see a version',
  action: 'image.list',
  query: pageQuerySchema.extend({ kind: imageKindSchema.optional() }),
  answer: { status: 200, schema: pageSchema(imageFamilySchema) },
});

export const getImageFamily = route({ method: 'get', path: '/image-families/:familyId', summary: 'One family with its versions', action: 'image.see', params: one, answer });

export const editImageFamily = route({
  method: 'patch',
  path: '/image-families/:familyId',
  summary: 'Change the name or description of a family',
  action: 'image.edit',
  params: one,
  body: z.object({ name: displayNameSchema.optional(), description: z.string().max(2000).optional() }),
  answer,
});

export const setProductionImage = route({
  method: 'put',
  path: '/image-families/:familyId/production',
  summary: 'Choose the version that launches of this family get from now on',
  action: 'image.edit',
  params: one,
  body: z.object({ imageId: idSchema }),
  answer,
});
