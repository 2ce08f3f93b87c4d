import type { Clock } from '@paravcl/shared/clock';
import type { PreCopyPolicy } from './core/pre-copy';
import type { UnitOfWork } from './db/unit-of-work';
import type { BoundRoute } from './http/binding';
import { imageReadinessRoutes } from './http/image-readiness-routes';
import { PreCopyJob, preCopyEveryMs } from './jobs/pre-copy-job';
import type { Job } from './jobs/periodic';
import type { AccessPatternService } from './services/access-pattern-service';
import { ImageReadiness } from './services/image-readiness';
import type { MirrorFleet } from './services/mirror-fleet';
import { PreCopyService } from './services/pre-copy-service';

export interface PreCopyFoundation {
  readonly unit: UnitOfWork;
  readonly clock: Clock;
  readonly fleet: MirrorFleet;
  readonly patterns: AccessPatternService;
  readonly policy: PreCopyPolicy;
  /** IANA zone in which times are told. */
  readonly timeZone: string;
}

/** For whoever keeps the calendar: how far a reservation's hosts are, and where to say that reservations changed. */
export interface CalendarPreCopy extends Pick<PreCopyService, 'readinessOf'> {
  wake(): void;
}

/** What is brought to hosts ahead of their guests, and what tells of it; wired, nothing runs yet. */
export function composePreCopy({ unit, clock, fleet, patterns, policy, timeZone }: PreCopyFoundation): {
  readonly calendar: CalendarPreCopy;
  readonly routes: readonly BoundRoute[];
  readonly jobs: readonly (readonly [string, Job, number])[];
} {
  const preCopy = new PreCopyService({ unitOfWork: unit, fleet, clock, policy });
  const job = new PreCopyJob(preCopy, clock);
  fleet.onChange(() => job.wake());
  patterns.onChanged((manifest, pattern) => {
    fleet.patternChanged(manifest, pattern);
    job.wake();
  });
  return {
    calendar: { readinessOf: (reservationId) => preCopy.readinessOf(reservationId), wake: () => job.wake() },
    routes: imageReadinessRoutes(new ImageReadiness({ unitOfWork: unit, fleet, preCopy, clock, timeZone })),
    jobs: [['pre-copy', job, preCopyEveryMs]],
  };
}
