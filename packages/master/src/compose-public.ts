import type { BoundRoute } from './http/binding';
import { publicMappingRoutes } from './http/public-mapping-routes';
import type { Job } from './jobs/periodic';
import { PublicMappingJob, publicMappingsEveryMs } from './jobs/public-mapping-job';
import { PublicMappingService, type PublicMappingDeps } from './services/public-mapping-service';

/** What of the network outside leads to guests; wired, nothing runs yet. */
export function composePublicMappings(deps: PublicMappingDeps): { readonly routes: readonly BoundRoute[]; readonly jobs: readonly (readonly [string, Job, number])[] } {
  return { routes: publicMappingRoutes(new PublicMappingService(deps)), jobs: [['public-mappings', new PublicMappingJob(deps), publicMappingsEveryMs]] };
}
