import type { Clock } from '@paravcl/shared/clock';
import type { CalendarPreCopy } from './compose-pre-copy';
import { composeDeployments } from './compose-deployments';
import { composeReservations } from './compose-reservations';
import type { UnitOfWork } from './db/unit-of-work';
import type { BoundRoute } from './http/binding';
import { capacityRoutes } from './http/capacity-routes';
import { decisionRoutes } from './http/decision-routes';
import { noticeRoutes } from './http/notice-routes';
import { replayRoutes } from './http/replay-routes';
import { reservationRoutes } from './http/reservation-routes';
import { deploymentsEveryMs } from './jobs/deployment-job';
import { MailJob, mailEveryMs } from './jobs/mail-job';
import type { Job } from './jobs/periodic';
import { PledgeJob, pledgesEveryMs } from './jobs/pledge-job';
import { PresenceJob, presenceEveryMs } from './jobs/presence-job';
import { smtpMailer } from './mail/smtp-mailer';
import { CapacityService } from './services/capacity-service';
import { DecisionService } from './services/decision-service';
import { InstanceReset } from './services/instance-reset';
import { InstanceService } from './services/instance-service';
import { InstanceVerbs } from './services/instance-verbs';
import type { JoinTokenService } from './services/join-token-service';
import { LaunchForecast } from './services/launch-forecast';
import { NoticeService } from './services/notice-service';
import { Participation } from './services/participation';
import type { AgentPort, FleetFigures, Launches, SchedulerWake } from './services/ports';
import { PoolService } from './services/pool-service';
import { QueueService } from './services/queue-service';
import { ReplayService } from './services/replay-service';
import type { WorkingWorld } from './services/working-world';
import type { ReservationClaims } from './services/reservation-claims';
import type { Settings } from './settings-from-config';

const reservationsEveryMs = 1000;

const noPreCopy: CalendarPreCopy = { readinessOf: () => null, wake: () => undefined };

export interface SchedulingFoundation {
  readonly unit: UnitOfWork;
  readonly clock: Clock;
  readonly agents: AgentPort;
  readonly figures: FleetFigures;
  readonly world: WorkingWorld;
  readonly scheduler: SchedulerWake & Launches;
  readonly joinTokens: JoinTokenService;
  readonly settings: Settings;
  readonly siteName: string;
  /** Absent: nothing is brought to hosts ahead of reservations. */
  readonly preCopy?: CalendarPreCopy;
  readonly onFault: (part: string) => (error: unknown) => void;
}

/** Instances and what decides about them: launches, deployments, claims, reservations, the queue, decisions, notices. */
export interface SchedulingComposition {
  readonly instances: InstanceService;
  /** For what the master does with instances in somebody's name. */
  readonly verbs: InstanceVerbs;
  readonly forecast: LaunchForecast;
  readonly claims: ReservationClaims;
  readonly routes: readonly BoundRoute[];
  readonly jobs: readonly (readonly [string, Job, number])[];
  /** Resolves when nothing that was asked for is being carried out: for an orderly stop. */
  idle(): Promise<void>;
}

export function composeScheduling({ unit, clock, agents, figures, world, scheduler, joinTokens, settings, siteName, preCopy = noPreCopy, onFault }: SchedulingFoundation): SchedulingComposition {
  const { scheduling, reservations, quotas } = settings;
  const { contributingMs } = scheduling;
  const { timeZone } = settings.instances;
  const pool = { agents, figures, scheduling };
  const priority = { ...settings.priority, contributingMs, timeZone };
  const participation = new Participation({ settings: settings.participation, contributingMs, timeZone, joinTokens });
  const forecast = new LaunchForecast({ world, scheduling, unitOfWork: unit, clock, settings: settings.instances, priority, participation, quotas });
  const instances = new InstanceService({
    ...pool, unitOfWork: unit, scheduler, clock, settings: settings.instances, priority, participation, quotas, forecast, onFault: onFault('instances'),
  });

  const verbs = new InstanceVerbs({ ...pool, unitOfWork: unit, scheduler, clock, settings: settings.instances, priority, quotas, onFault: onFault('instances') });
  const deploying = composeDeployments({
    unitOfWork: unit, scheduler, clock, settings: settings.instances, priority, quotas, participation, onFault: onFault('deployments'),
    verbs,
    resets: new InstanceReset({ agents, unitOfWork: unit, scheduler, clock, settings: settings.instances, quotas, onFault: onFault('deployments') }),
  });
  const reserving = composeReservations({
    ...pool, world, unitOfWork: unit, instances, participation, clock, settings: settings.instances, reservations, priority, quotas, preCopy, onFault: onFault('reservations'),
    // Whoever changes a reservation wakes what plans by the calendar.
    scheduler: { wake: () => (scheduler.wake(), preCopy.wake()) },
  });

  const { mail } = settings;
  const mailJob: readonly (readonly [string, Job, number])[] =
    mail === null ? [] : [['mail', new MailJob(unit, clock, smtpMailer(mail), { siteName, baseUrl: mail.baseUrl, timeZone }), mailEveryMs]];
  return {
    instances,
    verbs,
    forecast,
    claims: reserving.claims,
    routes: [
      ...deploying.routes,
      ...reservationRoutes(reserving.reservations, reserving.changes, reserving.claims),
      ...decisionRoutes(new DecisionService(unit), new QueueService({ world, scheduling, unitOfWork: unit, clock })),
      ...replayRoutes(new ReplayService({ unitOfWork: unit, clock, scheduling })),
      ...capacityRoutes(new CapacityService({ world, scheduling, clock }), new PoolService({ world, unitOfWork: unit, clock }), timeZone),
      ...noticeRoutes(new NoticeService(unit, clock)),
    ],
    jobs: [
      ['deployments', deploying.job, deploymentsEveryMs],
      ['reservations', reserving.job, reservationsEveryMs],
      ['presence', new PresenceJob(unit, clock), presenceEveryMs],
      ['pledges', new PledgeJob({ unitOfWork: unit, clock, contributingMs, timeZone }), pledgesEveryMs],
      ...mailJob,
    ],
    idle: () => deploying.job.idle(),
  };
}
