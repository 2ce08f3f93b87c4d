import { deleteHome, getHome, getMyHome, setHome } from '@paravcl/shared/api/homes';
import type { HomeService } from '../services/home-service';
import { acting } from './acting';
import { bind, type BoundRoute } from './binding';

export function homeRoutes(homes: HomeService): readonly BoundRoute[] {
  return [
    bind(getMyHome, async ({ principal }) => ({ body: await homes.get(principal, principal.userId) })),
    bind(getHome, async ({ principal, params }) => ({ body: await homes.get(principal, params.userId) })),
    bind(setHome, async (call) => ({ body: await homes.set(acting(call), call.params.userId, call.body.sizeMiB) })),
    bind(deleteHome, async (call) => {
      await homes.remove(acting(call), call.params.userId, call.query.confirm);
      return { body: undefined };
    }),
  ];
}
