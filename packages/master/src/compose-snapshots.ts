import type { ManifestId } from '@paravcl/shared/chunks/manifest';
import type { Clock } from '@paravcl/shared/clock';
import type { ImageOptions } from './config-images';
import type { UnitOfWork } from './db/unit-of-work';
import type { BoundRoute } from './http/binding';
import { relocationRoutes } from './http/relocation-routes';
import { snapshotRoutes } from './http/snapshot-routes';
import type { Job } from './jobs/periodic';
import { InstanceRelocation, type InstanceRelocationDeps } from './services/instance-relocation';
import type { InstanceService } from './services/instance-service';
import type { AgentPort } from './services/ports';
import { SnapshotMaking, type SnapshotMakingDeps } from './services/snapshot-making';
import { SnapshotService } from './services/snapshot-service';

/** Hosts have so long to freeze: longer than a busy one needs, and short enough for one moment. */
const freezeMs = 2 * 60_000;
const snapshotsEveryMs = 1000;

export interface SnapshotFoundation extends Pick<SnapshotMakingDeps, 'takeDelta' | 'uploads' | 'onFault'>, Pick<InstanceRelocationDeps, 'scheduler' | 'settings'> {
  readonly instances: Pick<InstanceService, 'get'>;
  readonly unit: UnitOfWork;
  readonly clock: Clock;
  readonly agents: Pick<AgentPort, 'isConnected' | 'command'>;
  readonly mirrors: { gone(manifests: readonly ManifestId[]): void };
  readonly policy: ImageOptions['snapshots'];
}

/** Snapshots: what people ask for, and what brings it about; wired, nothing runs yet. */
export function composeSnapshots({ unit, clock, agents, mirrors, policy, scheduler, settings, instances, ...making }: SnapshotFoundation): {
  readonly snapshots: SnapshotService;
  readonly relocation: InstanceRelocation;
  readonly making: SnapshotMaking;
  readonly routes: readonly BoundRoute[];
  readonly jobs: readonly (readonly [string, Job, number])[];
} {
  const bringing = new SnapshotMaking({ ...making, unitOfWork: unit, agents, clock, settings });
  const limits = { freezeMs, deadlineMs: policy.deadlineMinutes * 60_000, perStudent: policy.perStudent, timeZone: settings.timeZone };
  const snapshots = new SnapshotService({ unitOfWork: unit, agents, clock, settings: limits, making: bringing, mirrors });
  const relocation = new InstanceRelocation({ unitOfWork: unit, agents, scheduler, clock, settings, snapshots: limits, making: bringing });
  return { snapshots, relocation, making: bringing, routes: [...snapshotRoutes(snapshots), ...relocationRoutes(relocation, instances)], jobs: [['snapshots', bringing, snapshotsEveryMs]] };
}
