import { listImageSlaves, listSlaveImages } from '@paravcl/shared/api/image-readiness';
import type { ImageReadiness } from '../services/image-readiness';
import { bind, type BoundRoute } from './binding';

export function imageReadinessRoutes(readiness: ImageReadiness): readonly BoundRoute[] {
  return [
    bind(listSlaveImages, async ({ principal, params }) => ({ body: await readiness.onSlave(principal, params.slaveId) })),
    bind(listImageSlaves, async ({ params }) => ({ body: await readiness.ofImage(params.imageId) })),
  ];
}
