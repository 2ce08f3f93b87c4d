import { transitionalStates, type ObservedState } from '@paravcl/shared/domain/instance-state';
import type { SiteNetwork } from '@paravcl/shared/domain/slave';
import type { EpochMs } from '@paravcl/shared/clock';
import type { MinutesLimits } from '../core/instance-time';
import type { PlacementPolicyName } from '../core/rank';

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
  /** Deadlines that differ from `transitionalStates`. */
  readonly deadlinesMs: Readonly<Partial<Record<ObservedState, number>>>;
}

/** What the configuration says about placement. */
export interface SchedulingSettings {
  readonly policy: PlacementPolicyName;
  /** Cores that may be promised per physical core. */
  readonly coreOvercommit: number;
  /** RAM of every slave that belongs to its host and is never promised. */
  readonly hostRamMiB: number;
  /** Share of the pool's cores and RAM that is always kept free, 0 to 1. */
  readonly criticalShare: number;
  /** A pass is made at least this often, woken or not. */
  readonly passMs: number;
}

/** DEFINITIONS, "Defaults"; overcommit 1 because a lab's guests all work at the same hour. */
export const defaultScheduling: SchedulingSettings = {
  policy: 'least-used-cores',
  coreOvercommit: 1,
  hostRamMiB: 512,
  criticalShare: 0.05,
  passMs: 10_000,
};

/** When a state that was entered at `now` counts as failed; null for states that may last. */
export function deadlineAt(state: ObservedState, now: EpochMs, settings: Pick<InstanceSettings, 'deadlinesMs'>): EpochMs | null {
  const deadlineMs = settings.deadlinesMs[state] ?? transitionalStates[state]?.deadlineMs;
  return deadlineMs === undefined ? null : now + deadlineMs;
}
