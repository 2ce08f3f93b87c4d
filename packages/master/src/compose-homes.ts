import type { Clock } from '@paravcl/shared/clock';
import { ParavclError } from '@paravcl/shared/errors';
import type { UnitOfWork } from './db/unit-of-work';
import type { BoundRoute } from './http/binding';
import { homeRoutes } from './http/home-routes';
import type { Job } from './jobs/periodic';
import { HomeReturning, type HomeReturningDeps } from './services/home-returning';
import { HomeService } from './services/home-service';
import type { InstanceSettings } from './services/instance-settings';
import type { ChunkStore } from './store/chunk-store';
import { DeltaIntake } from './store/delta-intake';
import type { ImageStore } from './store/image-store';

const homesEveryMs = 1000;

export interface HomeFoundation extends Pick<HomeReturningDeps, 'agents' | 'onFault'> {
  readonly unit: UnitOfWork;
  readonly clock: Clock;
  readonly settings: Pick<InstanceSettings, 'homeMiB' | 'deadlinesMs'>;
  readonly uploads: ImageStore;
  readonly store: ChunkStore;
}

/** Home volumes: what people see of them, and what brings them back; wired, nothing runs yet. */
export function composeHomes({ unit, clock, agents, settings, uploads, store, onFault }: HomeFoundation): { readonly returning: HomeReturning; readonly routes: readonly BoundRoute[]; readonly jobs: readonly (readonly [string, Job, number])[] } {
  const intake = new DeltaIntake(store);
  const takeDelta: HomeReturningDeps['takeDelta'] = async ({ returnId, base, sizeBytes }) => {
    const taken = await intake.take(await uploads.file(returnId), base);
    if (taken.contentBytes === sizeBytes) return taken;
    taken.release();
    throw new ParavclError('invalid-input', `The home volume has ${sizeBytes} bytes, and one of ${taken.contentBytes} was sent.`);
  };
  const returning = new HomeReturning({ unitOfWork: unit, agents, clock, settings, takeDelta, uploads, onFault });
  return { returning, routes: homeRoutes(new HomeService({ unitOfWork: unit, clock, settings })), jobs: [['homes', returning, homesEveryMs]] };
}
