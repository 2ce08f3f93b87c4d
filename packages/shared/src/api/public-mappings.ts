import { z } from 'zod';
import { hostLabelSchema, ipv4Schema } from '../domain/limits';
import { publicMappingSchema, transportSchema } from '../domain/public-mapping';
import { idSchema } from '../ids';
import { route } from './route';

const portNumber = z.int().min(1).max(65_535);

/** A mapping as people see it: what leads to which machine, and from where now. */
export const publicMappingViewSchema = z
  .object({
    id: idSchema,
    instanceId: idSchema,
    instanceName: hostLabelSchema,
    /** Whom the machine belongs to. */
    userName: z.string(),
    mapping: publicMappingSchema,
    /** Where people outside knock; null for a port while the machine is on no slave, or its slave has no IPv4 address that is known. */
    reachedAt: z.object({ address: ipv4Schema, /** Null: all of them. */ port: portNumber.nullable() }).readonly().nullable(),
    /** The machine runs, and is to. */
    runs: z.boolean(),
    /** It leads there now: the machine runs on a slave that was told. */
    inForce: z.boolean(),
    createdAt: z.iso.datetime(),
  })
  .readonly();
export type PublicMappingView = z.infer<typeof publicMappingViewSchema>;

/** What the site lets be mapped. */
export const publicPoolSchema = z
  .object({
    enabled: z.boolean(),
    /** Of the pool. */
    addresses: z.object({ total: z.int().nonnegative(), free: z.int().nonnegative() }).readonly(),
    /** Of each slave's own address; null: none are mapped. */
    ports: z.object({ from: portNumber, to: portNumber }).readonly().nullable(),
    /** Mappings that one person may have at a time. */
    perUser: z.int().nonnegative(),
  })
  .readonly();
export type PublicPool = z.infer<typeof publicPoolSchema>;

export const listPublicMappings = route({
  method: 'get',
  path: '/public-mappings',
  summary: 'The public pool as the site set it, and what of it leads to which machine: your own; all for who runs the site',
  action: 'instance.list',
  query: z.object({ instanceId: idSchema.optional() }),
  answer: { status: 200, schema: z.object({ pool: publicPoolSchema, items: z.array(publicMappingViewSchema) }) },
});

export const createPublicMapping = route({
  method: 'post',
  path: '/instances/:instanceId/public-mappings',
  summary: 'Have a public address, or a port of the host, lead to an instance until the instance ends or it is taken back',
  action: 'instance.publish',
  params: z.object({ instanceId: idSchema }),
  body: z.discriminatedUnion('kind', [z.object({ kind: z.literal('address') }), z.object({ kind: z.literal('port'), transport: transportSchema.default('tcp'), guestPort: portNumber })]),
  answer: { status: 201, schema: publicMappingViewSchema },
});

export const deletePublicMapping = route({
  method: 'delete',
  path: '/instances/:instanceId/public-mappings/:mappingId',
  summary: 'Take a public address or port back; who is connected by it is cut off',
  action: 'instance.publish',
  params: z.object({ instanceId: idSchema, mappingId: idSchema }),
  answer: { status: 204 },
});
