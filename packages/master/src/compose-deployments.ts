import type { Clock } from '@paravcl/shared/clock';
import type { UnitOfWork } from './db/unit-of-work';
import type { BoundRoute } from './http/binding';
import { deploymentRoutes } from './http/deployment-routes';
import { DeploymentJob } from './jobs/deployment-job';
import { DeploymentFollowing } from './services/deployment-following';
import { DeploymentMaking } from './services/deployment-making';
import { DeploymentOperations } from './services/deployment-operations';
import { DeploymentService } from './services/deployment-service';
import { DeploymentWishes } from './services/deployment-wishes';
import type { InstanceReset } from './services/instance-reset';
import type { InstanceSettings, Quotas } from './services/instance-settings';
import type { InstanceVerbs } from './services/instance-verbs';
import type { Participation } from './services/participation';
import type { SchedulerWake } from './services/ports';
import type { PriorityRules } from './services/request-priority';

/** What deployments stand on. */
export interface DeploymentParts {
  readonly unitOfWork: UnitOfWork;
  readonly scheduler: SchedulerWake;
  readonly clock: Clock;
  readonly settings: InstanceSettings;
  readonly priority: PriorityRules;
  readonly quotas: Quotas;
  readonly participation: Pick<Participation, 'takePart'>;
  readonly verbs: Pick<InstanceVerbs, 'carryOut'>;
  readonly resets: Pick<InstanceReset, 'carryOut'>;
  readonly onFault: (error: unknown) => void;
}

/** Asking for deployments, operating them, and the job that carries out what was asked; wired, nothing runs yet. */
export function composeDeployments(parts: DeploymentParts): {
  readonly deployments: DeploymentService;
  readonly operations: DeploymentOperations;
  readonly job: DeploymentJob;
  readonly routes: readonly BoundRoute[];
} {
  const { unitOfWork, clock, onFault } = parts;
  const job = new DeploymentJob({ making: new DeploymentMaking(parts), wishes: new DeploymentWishes(parts), following: new DeploymentFollowing(unitOfWork, clock), onFault });
  const deployments = new DeploymentService({ ...parts, job });
  const operations = new DeploymentOperations({ unitOfWork, clock, job });
  return { deployments, operations, job, routes: deploymentRoutes(deployments, operations) };
}
