import { getUsage } from '@paravcl/shared/api/usage';
import type { UsageService } from '../services/usage-service';
import { bind, type BoundRoute } from './binding';

/** `/usage`: what the person who asks uses of what they may. */
export function usageRoutes(usage: Pick<UsageService, 'usage'>): readonly BoundRoute[] {
  return [bind(getUsage, async ({ principal }) => ({ body: await usage.usage(principal) }))];
}
