import { createJoinToken, listJoinTokens, revokeJoinToken } from '@paravcl/shared/api/join-tokens';
import type { JoinTokenService } from '../services/join-token-service';
import { bind, type BoundRoute } from './binding';

export function joinTokenRoutes(tokens: JoinTokenService): readonly BoundRoute[] {
  return [
    bind(createJoinToken, async ({ principal, body, clientAddress }) => ({ body: await tokens.create(principal, body, clientAddress) })),
    bind(listJoinTokens, async ({ principal, query }) => {
      const { items, next } = await tokens.list(principal, query);
      return { body: { items: [...items], next } };
    }),
    bind(revokeJoinToken, async ({ principal, params, clientAddress }) => {
      await tokens.revoke(principal, params.joinTokenId, clientAddress);
      return { body: undefined };
    }),
  ];
}
