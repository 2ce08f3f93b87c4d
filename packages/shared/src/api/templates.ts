import { z } from 'zod';
import { bandwidthMbpsSchema, diskMiBSchema, displayNameSchema, ramMiBSchema, vcpusSchema } from '../domain/limits';
import { cloudInitSchema, templateSchema } from '../domain/template';
import { idSchema } from '../ids';
import { pageQuerySchema, pageSchema } from './page';
import { route } from './route';

const one = z.object({ templateId: idSchema });
const answer = { status: 200, schema: templateSchema } as const;
const groupIdsSchema = z.array(idSchema).max(100, 'at most 100 groups');
const minutesSchema = z.int().min(1).max(366 * 24 * 60);
const descriptionSchema = z.string().max(2000);

export const createTemplateBody = z.object({
  name: displayNameSchema,
  description: descriptionSchema.default(''),
  /** Either this version, or the family whose production version is launched. */
  imageId: idSchema.nullable().default(null),
  familyId: idSchema.nullable().default(null),
  /** Absent: the image's default, then the site's. */
  vcpus: vcpusSchema.optional(),
  ramMiB: ramMiBSchema.optional(),
  diskMiB: diskMiBSchema.nullable().default(null),
  bandwidthMbps: bandwidthMbpsSchema.nullable().default(null),
  minutes: minutesSchema.nullable().default(null),
  cloudInit: cloudInitSchema.nullable().default(null),
  /** Who may use it; none: everybody. Teachers name groups that they own. */
  groupIds: groupIdsSchema.default([]),
  ownerGroupId: idSchema.nullable().default(null),
});
export type CreateTemplateBody = z.output<typeof createTemplateBody>;

/** What is left out stays. A new `imageId` takes the place of the family, and the other way round. */
export const editTemplateBody = z.object({
  name: displayNameSchema.optional(),
  description: descriptionSchema.optional(),
  imageId: idSchema.optional(),
  familyId: idSchema.optional(),
  vcpus: vcpusSchema.optional(),
  ramMiB: ramMiBSchema.optional(),
  diskMiB: diskMiBSchema.nullable().optional(),
  bandwidthMbps: bandwidthMbpsSchema.nullable().optional(),
  minutes: minutesSchema.nullable().optional(),
  cloudInit: cloudInitSchema.nullable().optional(),
  groupIds: groupIdsSchema.optional(),
  ownerGroupId: idSchema.nullable().optional(),
});
export type EditTemplateBody = z.output<typeof editTemplateBody>;

export const listTemplates = route({
  method: 'get',
  path: '/templates',
  summary: 'Templates that one may use, newest first; operators and admins all',
  action: 'template.list',
  query: pageQuerySchema,
  answer: { status: 200, schema: pageSchema(templateSchema) },
});
export const getTemplate = route({ method: 'get', path: '/templates/:templateId', summary: 'One template', action: 'template.see', params: one, answer });
export const createTemplate = route({ method: 'post', path: '/templates', summary: 'Make a template: an image, sizes and cloud-init under one name', action: 'template.create', body: createTemplateBody, answer: { status: 201, schema: templateSchema } });
export const editTemplate = route({ method: 'patch', path: '/templates/:templateId', summary: 'Change a template; what was launched from it stays as it is', action: 'template.edit', params: one, body: editTemplateBody, answer });
export const deleteTemplate = route({ method: 'delete', path: '/templates/:templateId', summary: 'Delete a template; what was launched from it stays', action: 'template.delete', params: one, answer: { status: 204 } });
