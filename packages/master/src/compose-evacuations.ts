import type { BoundRoute } from './http/binding';
import { evacuationRoutes } from './http/evacuation-routes';
import type { Job } from './jobs/periodic';
import { EvacuationService, type EvacuationServiceDeps } from './services/evacuation-service';
import { SlaveEvacuation, type SlaveEvacuationDeps } from './services/slave-evacuation';

const evacuationsEveryMs = 1000;

export type EvacuationFoundation = SlaveEvacuationDeps & Pick<EvacuationServiceDeps, 'slaves'>;

/** Emptying slaves: asking for it, and the job that brings it about; wired, nothing runs yet. */
export function composeEvacuations(parts: EvacuationFoundation): {
  readonly evacuation: SlaveEvacuation;
  readonly evacuations: EvacuationService;
  readonly routes: readonly BoundRoute[];
  readonly jobs: readonly (readonly [string, Job, number])[];
} {
  const evacuations = new EvacuationService(parts);
  const evacuation = new SlaveEvacuation(parts);
  return { evacuation, evacuations, routes: evacuationRoutes(evacuations), jobs: [['evacuations', evacuation, evacuationsEveryMs]] };
}
