import * as contracts from '@paravcl/shared/api/store';
import type { StoreService } from '../services/store-service';
import { bind, type BoundRoute } from './binding';

/** `/store`: the chunk store of images. */
export function storeRoutes(store: StoreService): readonly BoundRoute[] {
  return [
    bind(contracts.getStore, () => Promise.resolve({ body: store.standing() })),
    bind(contracts.createStoreVerification, ({ principal, body }) => Promise.resolve({ body: store.beginVerification(principal, body) })),
    bind(contracts.getLatestStoreVerification, () => Promise.resolve({ body: store.latestVerification() })),
    bind(contracts.createStoreSweep, ({ principal }) => Promise.resolve({ body: store.beginSweep(principal) })),
  ];
}
