import { z } from 'zod';
import { diskMiBSchema, displayNameSchema, ramMiBSchema, vcpusSchema } from '../domain/limits';
import { idSchema } from '../ids';
import { route } from './route';

/** A small number of the Fabric API, given by the system once and never to another thing. */
const numberSchema = z.int().positive();

const sizeShape = { name: displayNameSchema, vcpus: vcpusSchema, ramMiB: ramMiBSchema, diskMiB: diskMiBSchema };

/** A size that VMs of the Fabric API are made of. */
export const fabricTypeSchema = z.object({ tid: numberSchema, ...sizeShape }).readonly();
export type FabricType = z.infer<typeof fabricTypeSchema>;

export const fabricSchema = z
  .object({
    enabled: z.boolean(),
    /** Below it lie /vm, /pm and /image. */
    url: z.url(),
    /** Addresses and networks whose programs need no token. */
    allow: z.array(z.string()),
    /** Whose machines those of programs without a token are; null: only tokens are answered. */
    actsAs: z.string().nullable(),
    types: z.array(fabricTypeSchema),
    /** What `image_id` may name, and the image it stands for. */
    images: z.array(z.object({ number: numberSchema, imageId: idSchema, name: z.string() }).readonly()),
    /** What a `pmid` stands for. */
    slaves: z.array(z.object({ number: numberSchema, slaveId: idSchema, name: z.string() }).readonly()),
  })
  .readonly();
export type Fabric = z.infer<typeof fabricSchema>;

export const getFabric = route({ method: 'get', path: '/fabric', summary: 'How the Fabric API is set, its types, and what its small numbers of images and hosts stand for', action: 'fabric.see', answer: { status: 200, schema: fabricSchema } });

export const defineFabricTypes = route({
  method: 'put',
  path: '/fabric/types',
  summary: 'Say which types the Fabric API has. One of the same name and size keeps its tid; one that is left out makes no new VMs',
  action: 'fabric.define',
  body: z.object({ types: z.array(z.object(sizeShape)).max(200, 'at most 200 types') }),
  answer: { status: 200, schema: z.object({ types: z.array(fabricTypeSchema) }) },
});
