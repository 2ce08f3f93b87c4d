import { defineFabricTypes, getFabric } from '@paravcl/shared/api/fabric';
import type { FabricService, FabricSettings } from '../services/fabric-service';
import { acting } from './acting';
import { bind, type BoundRoute } from './binding';

/** `/fabric`: how the Fabric API is set, and the types it makes VMs of. */
export function fabricRoutes(fabric: FabricService, settings: FabricSettings): readonly BoundRoute[] {
  return [
    bind(getFabric, async () => ({ body: await fabric.overview(settings) })),
    bind(defineFabricTypes, async (call) => ({ body: { types: [...(await fabric.defineTypes(acting(call), call.body.types))] } })),
  ];
}
