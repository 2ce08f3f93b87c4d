import type { Clock } from '@paravcl/shared/clock';
import type { UnitOfWork } from './db/unit-of-work';
import { ReservationJob } from './jobs/reservation-job';
import type { InstanceService } from './services/instance-service';
import type { InstanceSettings, Quotas, ReservationSettings } from './services/instance-settings';
import type { Participation } from './services/participation';
import type { AgentPort, SchedulerWake } from './services/ports';
import type { PreCopyService } from './services/pre-copy-service';
import type { PriorityRules } from './services/request-priority';
import { ReservationAdmission } from './services/reservation-admission';
import { ReservationChanges } from './services/reservation-changes';
import { ReservationClaims } from './services/reservation-claims';
import { ReservationClock } from './services/reservation-clock';
import { ReservationRehoming } from './services/reservation-rehoming';
import { ReservationSeries } from './services/reservation-series';
import { ReservationService } from './services/reservation-service';
import type { WorldDeps } from './services/slave-books';
import type { WorkingWorld } from './services/working-world';

/** What reservations stand on. */
export interface ReservationParts extends WorldDeps {
  readonly unitOfWork: UnitOfWork;
  readonly world: WorkingWorld;
  readonly agents: Pick<AgentPort, 'isConnected' | 'protocolOf' | 'pushDesired'>;
  readonly instances: Pick<InstanceService, 'createClaimed' | 'resumeClaimed'>;
  readonly participation: Pick<Participation, 'takePart' | 'wouldTakePart'>;
  readonly scheduler: SchedulerWake;
  readonly clock: Clock;
  readonly settings: InstanceSettings;
  readonly reservations: ReservationSettings;
  readonly priority: PriorityRules;
  readonly quotas: Quotas;
  readonly preCopy: Pick<PreCopyService, 'readinessOf'>;
  readonly onFault: (error: unknown) => void;
}

/** Reserving, changing and claiming, and the job that follows the clock; wired, nothing runs yet. */
export function composeReservations(parts: ReservationParts): {
  readonly reservations: ReservationService;
  readonly changes: ReservationChanges;
  readonly claims: ReservationClaims;
  readonly job: ReservationJob;
} {
  const admission = new ReservationAdmission(parts);
  const reservationClock = new ReservationClock(parts);
  return {
    reservations: new ReservationService({ ...parts, admission }),
    changes: new ReservationChanges({ ...parts, admission }),
    claims: new ReservationClaims({ ...parts, reservationClock }),
    job: new ReservationJob({ ...parts, reservationClock, series: new ReservationSeries({ ...parts, admission }), rehoming: new ReservationRehoming({ ...parts, admission }) }),
  };
}
