import * as contracts from '@paravcl/shared/api/image-families';
import type { ImageFamilyService } from '../services/image-family-service';
import { acting } from './acting';
import { bind, type BoundRoute } from './binding';

/** `/image-families`: names, and which version launches of each get. */
export function imageFamilyRoutes(families: ImageFamilyService): readonly BoundRoute[] {
  return [
    bind(contracts.listImageFamilies, async ({ principal, query }) => {
      const { items, next } = await families.list(principal, query);
      return { body: { items: [...items], next } };
    }),
    bind(contracts.getImageFamily, async ({ principal, params }) => ({ body: await families.get(principal, params.familyId) })),
    bind(contracts.editImageFamily, async (call) => ({ body: await families.edit(acting(call), call.params.familyId, call.body) })),
    bind(contracts.setProductionImage, async (call) => ({ body: await families.setProduction(acting(call), call.params.familyId, call.body.imageId) })),
  ];
}
