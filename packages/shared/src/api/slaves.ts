import { z } from 'zod';
import { displayNameSchema, speedSchema } from '../domain/limits';
import { admissionSchema, describeSchema, livenessSchema, slaveConnectionsSchema, slaveKindSchema, slaveSchema } from '../domain/slave';
import { idSchema } from '../ids';
import { operationSchema } from './operations';
import { pageQuerySchema, pageSchema } from './page';
import { route } from './route';

const one = z.object({ slaveId: idSchema });
const answer = { status: 200, schema: slaveSchema } as const;

export const listSlaves = route({
  method: 'get',
  path: '/slaves',
  summary: 'Hosts, newest first; people see their own machines, operators all. Retired ones only when asked for',
  action: 'slave.list',
  query: pageQuerySchema.extend({
    admission: admissionSchema.optional(),
    liveness: livenessSchema.optional(),
    kind: slaveKindSchema.optional(),
    ownerUserId: idSchema.optional(),
    /** Part of the name. */
    name: z.string().trim().max(100).optional(),
  }),
  answer: { status: 200, schema: pageSchema(slaveSchema) },
});

export const getSlave = route({ method: 'get', path: '/slaves/:slaveId', summary: 'One host', action: 'slave.see', params: one, answer });

export const describeSlave = route({
  method: 'get',
  path: '/slaves/:slaveId/describe',
  summary: 'What the host has, asked afresh while it is connected',
  action: 'slave.see',
  params: one,
  answer: {
    status: 200,
    schema: z.object({
      describe: describeSchema,
      /** True when the agent answered just now. */
      fresh: z.boolean(),
      /** Of when the figures are; null when it was never connected since it enrolled. */
      asOf: z.iso.datetime().nullable(),
      /** Why they are not fresh; null when they are. */
      sentence: z.string().nullable(),
    }),
  },
});

export const approveSlave = route({
  method: 'post',
  path: '/slaves/:slaveId/approve',
  summary: 'Let a waiting or quarantined host take part',
  action: 'slave.operate',
  params: one,
  body: z
    .object({
      kind: slaveKindSchema.optional(),
      /** A volunteer's owner; null or absent for dedicated slaves. */
      ownerUserId: idSchema.nullable().optional(),
      /** Of a quarantined slave with the right key: adopt the machine id, MACs and address it showed last. */
      acceptIdentity: z.boolean().default(false),
    })
    .prefault({}),
  answer,
});

export const editSlave = route({
  method: 'patch',
  path: '/slaves/:slaveId',
  summary: 'Change name, kind, owner or how many connections to its guests are open at a time. A lower limit ends none that is open',
  action: 'slave.operate',
  params: one,
  body: z.object({
    name: displayNameSchema.optional(),
    kind: slaveKindSchema.optional(),
    ownerUserId: idSchema.nullable().optional(),
    /** Null: what the site's configuration says. */
    maxConnections: slaveConnectionsSchema.nullable().optional(),
    /** Of one core, relative to the reference machine; null: as its agent measured. */
    speed: speedSchema.nullable().optional(),
  }),
  answer,
});

export const drainSlave = route({
  method: 'post',
  path: '/slaves/:slaveId/drain',
  summary: 'Keep what it has, give it nothing new',
  action: 'slave.operate',
  params: one,
  answer,
});

export const evacuateSlave = route({
  method: 'post',
  path: '/slaves/:slaveId/evacuate',
  summary: 'Drain it and let everything on it leave: what runs goes to another host as it runs, or is saved, moves and goes on elsewhere by itself; what is saved or off moves to the store. Undone by undrain',
  action: 'slave.operate',
  params: one,
  answer: { status: 202, schema: z.object({ slave: slaveSchema, operation: operationSchema }) },
});

export const undrainSlave = route({
  method: 'post',
  path: '/slaves/:slaveId/undrain',
  summary: 'Give a draining host instances again; what has not left it yet stays',
  action: 'slave.operate',
  params: one,
  answer,
});

export const declareSlaveDead = route({
  method: 'post',
  path: '/slaves/:slaveId/declare-dead',
  summary: 'Say that a lost host will not come back with what it has: its instances may be started elsewhere from snapshots. Its next hello takes that back',
  action: 'slave.declare-dead',
  params: one,
  answer,
});

export const retireSlave = route({
  method: 'post',
  path: '/slaves/:slaveId/retire',
  summary: 'Take a host out of the pool for good; refused while instances live on it, unless forced',
  action: 'slave.operate',
  params: one,
  body: z
    .object({
      /** Give up the instances on it, and what home volumes hold there that the store does not: it stays on that host, and nothing reaches it any more. */
      force: z.boolean().default(false),
    })
    .prefault({}),
  answer,
});
