import type { AgingPolicy } from './core/aging';
import type { LivenessThresholds } from './core/liveness';
import { orderingPolicies } from './core/ordering';
import type { PlacementPolicy } from './core/rank';
import type { SlaRules } from './core/sla';
import type { ReservationRules } from './core/reservation-rules';
import type { MasterConfig } from './config';
import type { AgingOptions } from './config-aging';
import { minutesOf, rulesOfGroup, type ReservationOptions } from './config-reservations';
import { minuteOfDay } from './config-values';
import type { Retention } from './jobs/housekeeping-job';
import { chosenPlacement } from './placement-module';
import {
  defaultPriority,
  defaultScheduling,
  type InstanceSettings,
  type MailSettings,
  type ParticipationSettings,
  type Quota,
  type Quotas,
  type RequestPrioritySettings,
  type ReservationSettings,
  type SchedulingSettings,
  type UserNameRule,
} from './services/instance-settings';
import type { LoginLimits } from './services/login-limits';
import type { SessionLifetime } from './services/session-service';

const secondMs = 1000;
const minuteMs = 60 * secondMs;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

/** What the parts of the master need to know, in their own units, from what the administrator wrote. */
export interface Settings {
  readonly instances: InstanceSettings;
  readonly scheduling: SchedulingSettings;
  readonly priority: RequestPrioritySettings;
  readonly reservations: ReservationSettings;
  readonly participation: ParticipationSettings;
  readonly quotas: Quotas;
  readonly userNames: UserNameRule;
  readonly mail: MailSettings;
  readonly liveness: LivenessThresholds;
  readonly heartbeatMs: number;
  /** Null: whether guests get their due is not watched. */
  readonly sla: SlaRules | null;
  readonly loginLimits: LoginLimits;
  readonly sessionLifetime: SessionLifetime;
  readonly housekeeping: Retention;
  readonly largestUploadBytes: number;
  /** Instances of a slave that is being emptied that are saved or moved at a time. */
  readonly evacuateAtOnce: number;
  readonly migrateEmulated: boolean;
}

/**
 * @param placement the policy the configuration names; when that is a module, it is loaded here
 * @throws ConfigError when that module cannot be used
 */
export function settingsFromConfig(config: MasterConfig, placement: PlacementPolicy = chosenPlacement(config.placement.policy)): Settings {
  const { fleet, deadlines, login, guests, instances, participation, priority, retention } = config;
  return {
    instances: {
      network: config.network,
      defaults: { vcpus: guests.vcpus, ramMiB: guests.ramMiB },
      minutes: { min: instances.minMinutes, max: instances.maxMinutes, default: instances.defaultMinutes },
      instancesPerUser: config.limits.instancesPerUser,
      guestUser: guests.user,
      timeZone: config.site.timeZone,
      homeMiB: config.homes.sizeMiB,
      aging: agingFrom(retention.instances),
      deadlinesMs: {
        preparing: deadlines.preparingMinutes * minuteMs,
        booting: deadlines.bootingMinutes * minuteMs,
        suspending: deadlines.suspendingMinutes * minuteMs,
        resuming: deadlines.resumingMinutes * minuteMs,
        // A minute more: when the guest did not go by itself in time, the slave destroys it, and must be able to say so.
        stopping: (deadlines.stoppingMinutes + 1) * minuteMs,
      },
    },
    scheduling: schedulingFrom(config, placement),
    priority: {
      ...defaultPriority,
      formula: { weight: priority.weight, leastRamMiB: priority.leastRamMiB, leastMinutes: priority.leastMinutes },
      memberGroups: priority.memberGroups,
    },
    reservations: reservationsFrom(config),
    participation: { mode: participation.mode, optOuts: participation.optOuts, pledgeMs: participation.pledgeHours * hourMs },
    quotas: quotasFrom(config.quotas),
    userNames: config.people.userNames,
    mail: config.mail === undefined ? null : { ...config.mail, baseUrl: config.publicUrl },
    liveness: { suspectAfterMs: fleet.suspectAfterSeconds * secondMs, lostAfterMs: fleet.lostAfterSeconds * secondMs },
    heartbeatMs: fleet.heartbeatSeconds * secondMs,
    sla: config.sla.watch ? { share: config.sla.missingPercent / 100, windowMs: config.sla.windowSeconds * secondMs, coreOvercommit: config.placement.coreOvercommit } : null,
    loginLimits: {
      perAccount: { failures: login.failuresPerAccount, windowMs: login.accountWindowMinutes * minuteMs },
      perAddress: { failures: login.failuresPerAddressPerMinute, windowMs: minuteMs },
    },
    housekeeping: {
      sessionIdleMs: config.sessions.idleMinutes * minuteMs,
      loginFailuresMs: login.accountWindowMinutes * minuteMs,
      commandsMs: retention.commandsDays * dayMs,
      operationsMs: retention.operationsDays * dayMs,
      oneTimeTokensMs: retention.oneTimeTokensDays * dayMs,
      joinTokensMs: retention.joinTokensDays * dayMs,
      eventsMs: retention.eventsDays * dayMs,
      deletedInstancesMs: retention.deletedInstancesDays * dayMs,
      decisionsMs: retention.decisionsDays * dayMs,
      decisionInputsMs: Math.min(retention.decisionInputsDays, retention.decisionsDays) * dayMs,
      noticesMs: retention.noticesDays * dayMs,
    },
    sessionLifetime: { idleMs: config.sessions.idleMinutes * minuteMs, absoluteMs: config.sessions.absoluteHours * hourMs },
    largestUploadBytes: Math.floor(config.uploads.maxGiB * 1024 ** 3),
    evacuateAtOnce: config.slaves.evacuateAtOnce,
    migrateEmulated: config.slaves.migrateEmulated,
  };
}

function schedulingFrom({ placement: options, preemption, priority, reservations, site }: MasterConfig, placement: PlacementPolicy): SchedulingSettings {
  const horizons = [reservations, ...groupOptions(reservations).values()].map(({ horizonDays }) => horizonDays);
  return {
    ...defaultScheduling,
    ordering: orderingPolicies[options.ordering],
    placement,
    coreOvercommit: options.coreOvercommit,
    hostRamMiB: options.hostRamMiB,
    rules: {
      agingPerHour: priority.aging.perHour,
      criticalShare: options.criticalLimitPercent / 100,
      noShowGraceMs: reservations.noShowGraceMinutes * minuteMs,
      shortestLoanMs: preemption.shortestLoanMinutes * minuteMs,
      saveOverheadMs: preemption.saveOverheadSeconds * secondMs,
      saveSafety: preemption.saveSafety,
      // The last day that may be reserved is over a day after its beginning.
      horizonMs: (Math.max(...horizons) + 1) * dayMs,
      timeZone: site.timeZone,
    },
    usage: { userWeight: priority.usage.userWeight, groupWeight: priority.usage.groupWeight, halfLifeMs: priority.usage.halfLifeDays * dayMs },
    preemptionsPerDay: preemption.perDay,
    startingPerSlave: options.startingPerSlave,
  };
}

function reservationsFrom({ reservations, site }: MasterConfig): ReservationSettings {
  const groupRules = [...groupOptions(reservations)].map(([name, options]) => [name, rulesFrom(options, site.timeZone)] as const);
  return { rules: rulesFrom(reservations, site.timeZone), groupRules: new Map(groupRules) };
}

function groupOptions({ groups, ...site }: MasterConfig['reservations']): ReadonlyMap<string, ReservationOptions> {
  return new Map(Object.entries(groups).map(([name, own]) => [name, rulesOfGroup(site, own)]));
}

function rulesFrom(options: ReservationOptions, timeZone: string): ReservationRules {
  return {
    timeZone,
    opensAtMinute: minuteOfDay(options.opensAt),
    closesAtMinute: minuteOfDay(options.closesAt),
    latestStartMinute: options.latestStart === undefined ? null : minuteOfDay(options.latestStart),
    stepMinutes: options.stepMinutes,
    minMinutes: minutesOf(options.minHours),
    maxMinutes: minutesOf(options.maxHours),
    firstDay: options.tomorrowOnly ? 1 : 0,
    lastDay: options.tomorrowOnly ? 1 : options.horizonDays,
    mostOpen: options.mostOpen,
    moveSteps: options.moveSteps,
  };
}

function agingFrom({ suspendedDays, stoppedDays, noticeDays, recycleDays }: AgingOptions): AgingPolicy {
  const limit = (days: number | null): number | null => (days === null || days === 0 ? null : days * dayMs);
  return { suspendedMs: limit(suspendedDays), stoppedMs: limit(stoppedDays), noticeMs: limit(noticeDays) ?? 0, recycleMs: limit(recycleDays) };
}

type QuotaOptions = MasterConfig['quotas']['user'];

function quotasFrom({ user, group, groups }: MasterConfig['quotas']): Quotas {
  const ofGroups = Object.entries(groups).map(([name, own]) => [name, quotaFrom(own, group)] as const);
  return { user: quotaFrom(user), group: quotaFrom(group), groups: new Map(ofGroups) };
}

/** A null of its own lifts the limit that is everybody's; what it does not name is as for everybody. */
function quotaFrom(own: QuotaOptions, everybody: QuotaOptions = {}): Quota {
  const limit = (name: keyof Quota): number | null => (own[name] === undefined ? everybody[name] : own[name]) ?? null;
  return { instances: limit('instances'), vcpus: limit('vcpus'), ramMiB: limit('ramMiB'), diskMiB: limit('diskMiB') };
}
