import { transitionalStates, type ObservedState } from '@paravcl/shared/domain/instance-state';
import type { SiteNetwork } from '@paravcl/shared/domain/slave';
import type { EpochMs } from '@paravcl/shared/clock';
import { publishedPriority, type PrioritySettings } from '@paravcl/shared/priority';
import type { AgingPolicy } from '../core/aging';
import type { MinutesLimits } from '../core/instance-time';
import { orderingPolicies, type OrderingPolicy } from '../core/ordering';
import type { UsageRules } from '../core/past-usage';
import { placementPolicies, type PlacementPolicy } from '../core/rank';
import type { ReservationRules } from '../core/reservation-rules';
import type { Rules } from '../core/snapshot';

/** What the configuration says about instances. */
export interface InstanceSettings {
  readonly network: SiteNetwork;
  /** For images that name no defaults of their own. */
  readonly defaults: { readonly vcpus: number; readonly ramMiB: number };
  /** How long an instance of a student or teacher runs before it is saved by itself. */
  readonly minutes: MinutesLimits;
  /** Instances that one student or teacher may have at a time. */
  readonly instancesPerUser: number;
  /** User that cloud-init makes in the guest. */
  readonly guestUser: string;
  /** IANA zone in which times are told to people. */
  readonly timeZone: string;
  /** Of the home volume that everybody gets; 0: nobody gets one unless an operator says so. */
  readonly homeMiB: number;
  /** How long instances may lie unused. */
  readonly aging: AgingPolicy;
  /** Deadlines that differ from `transitionalStates`. */
  readonly deadlinesMs: Readonly<Partial<Record<ObservedState, number>>>;
}

/** What the configuration says about order, placement and preemption. */
export interface SchedulingSettings {
  readonly ordering: OrderingPolicy;
  readonly placement: PlacementPolicy;
  /** Cores that may be promised per physical core. */
  readonly coreOvercommit: number;
  /** RAM of every slave that belongs to its host and is never promised. */
  readonly hostRamMiB: number;
  readonly rules: Rules;
  /** How past usage counts in the order of the queue. */
  readonly usage: UsageRules;
  /** A pass is made at least this often, woken or not. */
  readonly passMs: number;
  /** How often an instance is suspended for others on one day of the site; then it is spared until the day is over. */
  readonly preemptionsPerDay: number;
  /** Of one deployment so many are prepared or boot on one slave at a time, where it says nothing else. */
  readonly startingPerSlave: number;
  /** A volunteer that was online this long in the last seven days contributes. */
  readonly contributingMs: number;
}

/** DEFINITIONS, "Defaults"; overcommit 1 because a lab's guests all work at the same hour. */
export const defaultScheduling: SchedulingSettings = {
  ordering: orderingPolicies.para,
  placement: placementPolicies.para,
  coreOvercommit: 1,
  hostRamMiB: 512,
  rules: {
    agingPerHour: 0.2,
    criticalShare: 0.05,
    noShowGraceMs: 15 * 60_000,
    shortestLoanMs: 5 * 60_000,
    saveOverheadMs: 10_000,
    saveSafety: 2,
    horizonMs: 15 * 86_400_000,
    timeZone: 'UTC',
  },
  usage: { userWeight: 0, groupWeight: 0, halfLifeMs: 7 * 86_400_000 },
  passMs: 10_000,
  preemptionsPerDay: 2,
  startingPerSlave: 4,
  contributingMs: 3_600_000,
};

/** What the configuration says about priorities. */
export interface RequestPrioritySettings {
  readonly formula: PrioritySettings;
  /** Names of groups whose members have MON 1 for everything. */
  readonly memberGroups: readonly string[];
  /** PfV of an instance without an image. */
  readonly defaultPlatformValue: number;
  /** E of an instance without end. */
  readonly endlessMinutes: number;
}

/** An instance without end counts as asking for the whole default horizon, 14 days. */
export const defaultPriority: RequestPrioritySettings = { formula: publishedPriority, memberGroups: [], defaultPlatformValue: 1, endlessMinutes: 20_160 };

/** What the configuration says about reservations. */
export interface ReservationSettings {
  readonly rules: ReservationRules;
  /** By the group's name, complete: what the group has of its own, and the site's for the rest. */
  readonly groupRules: ReadonlyMap<string, ReservationRules>;
}

export const defaultReservations: ReservationSettings = {
  rules: {
    timeZone: 'UTC',
    opensAtMinute: 8 * 60,
    closesAtMinute: 22 * 60,
    latestStartMinute: null,
    stepMinutes: 60,
    minMinutes: 60,
    maxMinutes: 240,
    firstDay: 0,
    lastDay: 14,
    mostOpen: 3,
    moveSteps: 1,
  },
  groupRules: new Map(),
};

/** The rules of a group's reservations; the site's for a group without own ones and for people (null). */
export function rulesOf(groupName: string | null, settings: ReservationSettings): ReservationRules {
  return (groupName === null ? undefined : settings.groupRules.get(groupName)) ?? settings.rules;
}

/** Whether students have to lend a machine of their own. */
export interface ParticipationSettings {
  readonly mode: 'off' | 'warn' | 'enforce';
  /** How often one may ask without, before `enforce` refuses. */
  readonly optOuts: number;
  /** Within this time a pledged machine has to be online. */
  readonly pledgeMs: number;
}

export const defaultParticipation: ParticipationSettings = { mode: 'off', optOuts: 2, pledgeMs: 24 * 3_600_000 };

/** What may run, should run or wait at a time, all together; null: no limit. */
export interface Quota {
  readonly instances: number | null;
  readonly vcpus: number | null;
  readonly ramMiB: number | null;
  readonly diskMiB: number | null;
}

export const noQuota: Quota = { instances: null, vcpus: null, ramMiB: null, diskMiB: null };

export interface Quotas {
  /** Of each student and teacher. */
  readonly user: Quota;
  /** Of each group. */
  readonly group: Quota;
  /** By the group's name, complete: what the group has of its own, and `group` for the rest. */
  readonly groups: ReadonlyMap<string, Quota>;
}

export const defaultQuotas: Quotas = { user: noQuota, group: noQuota, groups: new Map() };

/** How notices are mailed; null: they are not. */
export type MailSettings = null | {
  readonly host: string;
  readonly port: number;
  /** TLS from the first byte; else STARTTLS when the server offers it. */
  readonly secure: boolean;
  readonly user?: string | undefined;
  readonly passwordFile?: string | undefined;
  readonly from: string;
  /** Where links in mails lead. */
  readonly baseUrl: string;
};

/** Which user names new people may have; `alphabetic` is the 2014 report's: a to z. */
export type UserNameRule = 'any' | 'alphabetic';

/** Slowest disk that RAM is given time to be written to or read from, in ms per MiB: 10 MiB/s. */
const slowestMsPerMiB = 100;

/** When a state that was entered at `now` counts as failed; null for states that may last. Large RAM takes its time to be saved and read. */
export function deadlineAt(state: ObservedState, now: EpochMs, settings: Pick<InstanceSettings, 'deadlinesMs'>, ramMiB: number): EpochMs | null {
  const deadlineMs = settings.deadlinesMs[state] ?? transitionalStates[state]?.deadlineMs;
  if (deadlineMs === undefined) return null;
  const movesRam = state === 'suspending' || state === 'resuming';
  return now + Math.max(deadlineMs, movesRam ? ramMiB * slowestMsPerMiB : 0);
}
