import { emptyContent } from '@paravcl/shared/chunks/delta';
import type { ManifestId } from '@paravcl/shared/chunks/manifest';
import type { Clock } from '@paravcl/shared/clock';
import { ParavclError } from '@paravcl/shared/errors';
import type { SnapshotPart } from './core/snapshot-record';
import type { ImageOptions } from './config-images';
import type { UnitOfWork } from './db/unit-of-work';
import type { BoundRoute } from './http/binding';
import { relocationRoutes } from './http/relocation-routes';
import { snapshotRoutes } from './http/snapshot-routes';
import type { Job } from './jobs/periodic';
import { DeltaDoors, type DeltaDoor } from './services/delta-door';
import { UnusedContentJob, unusedContentEveryMs } from './jobs/unused-content-job';
import { DeltaReception } from './services/delta-reception';
import { ImageHolds } from './services/image-holds';
import { InstanceRelocation, type InstanceRelocationDeps } from './services/instance-relocation';
import type { Quotas } from './services/instance-settings';
import type { InstanceService } from './services/instance-service';
import type { AgentPort } from './services/ports';
import { SnapshotMaking, type SnapshotMakingDeps } from './services/snapshot-making';
import { SnapshotRam, type SnapshotRamDeps } from './services/snapshot-ram';
import { SnapshotRestore, type SnapshotRestoreDeps } from './services/snapshot-restore';
import { SnapshotService } from './services/snapshot-service';
import type { ChunkStore } from './store/chunk-store';
import { DeltaIntake } from './store/delta-intake';
import type { ImageStore } from './store/image-store';

/** Hosts have so long to freeze: longer than a busy one needs, and short enough for one moment. */
const freezeMs = 2 * 60_000;
/** Before that guests whose RAM is kept are saved one after the other, paused meanwhile. */
const saveMs = 20 * 60_000;
const snapshotsEveryMs = 1000;

export interface SnapshotFoundation extends Pick<SnapshotMakingDeps, 'onFault'>, Pick<InstanceRelocationDeps, 'scheduler'>, Pick<SnapshotRestoreDeps, 'settings'> {
  readonly instances: Pick<InstanceService, 'get'>;
  readonly verbs: SnapshotRamDeps['verbs'];
  readonly quotas: Quotas;
  readonly uploads: ImageStore;
  readonly store: ChunkStore;
  readonly unit: UnitOfWork;
  readonly clock: Clock;
  readonly agents: Pick<AgentPort, 'isConnected' | 'command' | 'protocolOf' | 'pushDesired'>;
  readonly mirrors: { gone(manifests: readonly ManifestId[]): void };
  readonly policy: ImageOptions['snapshots'];
  /** Who else waits for disks. */
  readonly alsoWaiting: DeltaDoor;
}

/** Snapshots: what people ask for, and what brings it about; wired, nothing runs yet. */
export function composeSnapshots({ unit, clock, agents, mirrors, policy, scheduler, settings, instances, verbs, quotas, uploads, store, alsoWaiting, onFault }: SnapshotFoundation): {
  readonly snapshots: SnapshotService;
  readonly relocation: InstanceRelocation;
  readonly making: SnapshotMaking;
  /** What hosts send of frozen disks. */
  readonly deltas: DeltaReception;
  readonly routes: readonly BoundRoute[];
  readonly jobs: readonly (readonly [string, Job, number])[];
} {
  const bringing = new SnapshotMaking({ unitOfWork: unit, agents, clock, settings, uploads, takeDelta: deltaTaker(uploads, new DeltaIntake(store)), ram: new SnapshotRam({ unitOfWork: unit, verbs, clock }), onFault });
  const limits = { freezeMs, saveMs, deadlineMs: policy.deadlineMinutes * 60_000, perStudent: policy.perStudent, timeZone: settings.timeZone };
  const snapshots = new SnapshotService({ unitOfWork: unit, agents, clock, settings: limits, making: bringing, mirrors });
  const relocation = new InstanceRelocation({ unitOfWork: unit, agents, scheduler, clock, settings, snapshots: limits, making: bringing });
  const restore = new SnapshotRestore({ unitOfWork: unit, agents, scheduler, clock, settings, quotas, onFault });
  const deltas = new DeltaReception({ door: new DeltaDoors([bringing, alsoWaiting]), uploads, holds: new ImageHolds() });
  return { snapshots, relocation, deltas, making: bringing, routes: [...snapshotRoutes(snapshots, restore), ...relocationRoutes(relocation, instances)], jobs: [['snapshots', bringing, snapshotsEveryMs], ['unused-content', new UnusedContentJob(unit, mirrors), unusedContentEveryMs]] };
}

const saidPart = { disk: 'disk', ram: 'RAM', home: 'home volume' } as const satisfies Record<SnapshotPart['what'], string>;

/** Of what lies among the uploads for this image. */
function deltaTaker(uploads: ImageStore, intake: DeltaIntake): SnapshotMakingDeps['takeDelta'] {
  return async ({ imageId, what, baseManifestId, sizeBytes, instanceName }) => {
    const base = what === 'disk' ? baseManifestId : (baseManifestId ?? emptyContent);
    if (base === null) throw new Error(`The disk of ${instanceName} came before it was frozen.`);
    const { contentBytes, manifestId, dirtiedBytes, release } = await intake.take(await uploads.file(imageId), base);
    if (contentBytes === sizeBytes) return { manifestId, dirtiedBytes, release };
    release();
    throw new ParavclError('invalid-input', `Its host said that the ${saidPart[what]} has ${sizeBytes ?? 'no'} bytes, and sent ${contentBytes}.`);
  };
}
