import { createApiToken, listApiTokens, revokeApiToken } from '@paravcl/shared/api/api-tokens';
import type { ApiTokenService } from '../services/api-token-service';
import { acting } from './acting';
import { bind, type BoundRoute } from './binding';

export function apiTokenRoutes(tokens: ApiTokenService): readonly BoundRoute[] {
  return [
    bind(listApiTokens, async ({ principal }) => ({ body: { items: [...(await tokens.list(principal))] } })),
    bind(createApiToken, async (call) => ({ body: await tokens.create(acting(call), call.body) })),
    bind(revokeApiToken, async (call) => {
      await tokens.revoke(acting(call), call.params.apiTokenId);
      return { body: undefined };
    }),
  ];
}
