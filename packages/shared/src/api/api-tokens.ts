import { z } from 'zod';
import { displayNameSchema } from '../domain/limits';
import { idSchema } from '../ids';
import { route } from './route';

/** What a token may do of what its owner may: only look, or everything. */
export const apiTokenScopeSchema = z.enum(['read', 'full']);

export const apiTokenSchema = z
  .object({
    id: idSchema,
    /** What it is for, in its owner's words. */
    name: displayNameSchema,
    scope: apiTokenScopeSchema,
    /** How the token begins, so that one finds it again: never enough to use it. */
    hint: z.string(),
    createdAt: z.iso.datetime(),
    expiresAt: z.iso.datetime(),
    lastUsedAt: z.iso.datetime().nullable(),
  })
  .readonly();
export type ApiToken = z.infer<typeof apiTokenSchema>;

export const listApiTokens = route({
  method: 'get',
  path: '/api-tokens',
  summary: 'My API tokens, newest first; what they are is shown when they are made, and never again',
  action: 'api-token.own',
  answer: { status: 200, schema: z.object({ items: z.array(apiTokenSchema) }) },
});

export const createApiToken = route({
  method: 'post',
  path: '/api-tokens',
  summary: 'Make a token for a program of mine: `Authorization: Bearer …`; not with another API token',
  action: 'api-token.own',
  body: z.object({ name: displayNameSchema, scope: apiTokenScopeSchema.default('full'), days: z.int().min(1, 'at least 1 day').max(365, 'at most 365 days').default(90) }),
  answer: { status: 201, schema: z.object({ apiToken: apiTokenSchema, /** Shown this once. */ token: z.string() }) },
});

export const revokeApiToken = route({
  method: 'delete',
  path: '/api-tokens/:apiTokenId',
  summary: 'Revoke a token of mine: it opens nothing any more',
  action: 'api-token.own',
  params: z.object({ apiTokenId: idSchema }),
  answer: { status: 204 },
});
