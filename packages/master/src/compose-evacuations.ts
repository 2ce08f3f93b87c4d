import type { BoundRoute } from './http/binding';
import { evacuationRoutes } from './http/evacuation-routes';
import type { Job } from './jobs/periodic';
import { EvacuationService, type EvacuationServiceDeps } from './services/evacuation-service';
import { LiveMigrations, type LiveMigrationsDeps } from './services/live-migrations';
import { SlaveEvacuation, type SlaveEvacuationDeps } from './services/slave-evacuation';

const evacuationsEveryMs = 1000;
const migrationsEveryMs = 1000;

export type EvacuationFoundation = Omit<SlaveEvacuationDeps, 'migrations'> & LiveMigrationsDeps & Pick<EvacuationServiceDeps, 'slaves'>;

/** Emptying slaves: asking for it, and the jobs that bring it about; wired, nothing runs yet. */
export function composeEvacuations(parts: EvacuationFoundation): {
  readonly migrations: LiveMigrations;
  readonly evacuation: SlaveEvacuation;
  readonly evacuations: EvacuationService;
  readonly routes: readonly BoundRoute[];
  readonly jobs: readonly (readonly [string, Job, number])[];
} {
  const evacuations = new EvacuationService(parts);
  const migrations = new LiveMigrations(parts);
  const evacuation = new SlaveEvacuation({ ...parts, migrations });
  return { migrations, evacuation, evacuations, routes: evacuationRoutes(evacuations), jobs: [['evacuations', evacuation, evacuationsEveryMs], ['live-migrations', migrations, migrationsEveryMs]] };
}
