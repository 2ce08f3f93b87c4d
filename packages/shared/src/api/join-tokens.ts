import { z } from 'zod';
import { slaveKindSchema } from '../domain/slave';
import { idSchema } from '../ids';
import { pageQuerySchema, pageSchema } from './page';
import { route } from './route';

/** Minutes a join token may live: an hour unless told, a week at most. */
export const joinTokenLifetimeMinutes = { default: 60, max: 7 * 24 * 60 } as const;

export const joinTokenStateSchema = z.enum(['open', 'used', 'expired', 'revoked']);
export type JoinTokenState = z.infer<typeof joinTokenStateSchema>;

/** A join token without its secret, which is shown once and stored only as a hash. */
export const joinTokenSchema = z
  .object({
    id: idSchema,
    state: joinTokenStateSchema,
    kind: slaveKindSchema,
    /** Whose machine it lets in; null for dedicated slaves. */
    ownerUserId: idSchema.nullable(),
    createdByUserId: idSchema,
    /** The slave is approved at once, without an operator looking at it. */
    preapproved: z.boolean(),
    note: z.string(),
    createdAt: z.iso.datetime(),
    expiresAt: z.iso.datetime(),
    usedAt: z.iso.datetime().nullable(),
    usedBySlaveId: idSchema.nullable(),
    revokedAt: z.iso.datetime().nullable(),
  })
  .readonly();
export type JoinToken = z.infer<typeof joinTokenSchema>;

/** How a machine becomes a host by a token that was made for it. Shown this once. */
export const joinWaySchema = z.object({
  token: z.string(),
  /**
   * To paste as root on a machine on which nothing is installed yet: fetches the join script, checks it by its hash, and
   * runs it, which asks for the token. Null when this master has nothing to put on hosts.
   */
  oneLine: z.string().nullable(),
  /** To paste, as root, where the agent is installed already; hands the token over on standard input, never in the process list. */
  command: z.string(),
  /** The same without the token: the agent asks for it. */
  commandThatAsks: z.string(),
});
export type JoinWay = z.infer<typeof joinWaySchema>;

const one = z.object({ joinTokenId: idSchema });

export const createJoinToken = route({
  method: 'post',
  path: '/join-tokens',
  summary: 'Make a single-use token that lets one machine enrol as a host',
  action: 'join-token.create',
  body: z
    .object({
      /** Dedicated for operators and admins unless told, volunteer for everybody else. */
      kind: slaveKindSchema.optional(),
      /** Whose machine a volunteer is: who makes the token unless told. Operators and admins name others. */
      ownerUserId: idSchema.optional(),
      preapproved: z.boolean().default(false),
      note: z.string().trim().max(200, 'at most 200 characters').default(''),
      lifetimeMinutes: z
        .int()
        .min(1, 'at least 1 minute')
        .max(joinTokenLifetimeMinutes.max, `at most ${joinTokenLifetimeMinutes.max} minutes (7 days)`)
        .default(joinTokenLifetimeMinutes.default),
    })
    .prefault({}),
  answer: {
    status: 201,
    schema: joinWaySchema.extend({
      joinToken: joinTokenSchema,
      /** Address of the master that the agent dials. */
      master: z.string(),
    }),
  },
});

export const listJoinTokens = route({
  method: 'get',
  path: '/join-tokens',
  summary: 'Join tokens, newest first; people see their own, operators all',
  action: 'join-token.list',
  query: pageQuerySchema.extend({ state: joinTokenStateSchema.optional() }),
  answer: { status: 200, schema: pageSchema(joinTokenSchema) },
});

export const revokeJoinToken = route({
  method: 'delete',
  path: '/join-tokens/:joinTokenId',
  summary: 'Revoke a token that was not used yet',
  action: 'join-token.revoke',
  params: one,
  answer: { status: 204 },
});
