import type { LivenessThresholds } from './core/liveness';
import type { MasterConfig } from './config';
import type { Retention } from './jobs/housekeeping-job';
import type { InstanceSettings, SchedulingSettings } from './services/instance-settings';
import { defaultScheduling } from './services/instance-settings';
import type { LoginLimits } from './services/login-limits';
import type { SessionLifetime } from './services/session-service';

const secondMs = 1000;
const minuteMs = 60 * secondMs;
const dayMs = 1440 * minuteMs;

/** What the parts of the master need to know, in their own units, from what the administrator wrote. */
export interface Settings {
  readonly instances: InstanceSettings;
  readonly scheduling: SchedulingSettings;
  readonly liveness: LivenessThresholds;
  readonly heartbeatMs: number;
  readonly loginLimits: LoginLimits;
  readonly sessionLifetime: SessionLifetime;
  readonly housekeeping: Retention;
  readonly largestUploadBytes: number;
}

export function settingsFromConfig(config: MasterConfig): Settings {
  const { fleet, deadlines, login, placement, guests, instances, retention } = config;
  return {
    instances: {
      network: config.network,
      defaults: { vcpus: guests.vcpus, ramMiB: guests.ramMiB },
      minutes: { min: instances.minMinutes, max: instances.maxMinutes, default: instances.defaultMinutes },
      instancesPerUser: config.limits.instancesPerUser,
      guestUser: guests.user,
      timeZone: config.site.timeZone,
      deadlinesMs: {
        preparing: deadlines.preparingMinutes * minuteMs,
        booting: deadlines.bootingMinutes * minuteMs,
        suspending: deadlines.suspendingMinutes * minuteMs,
        resuming: deadlines.resumingMinutes * minuteMs,
        // A minute more: when the guest did not go by itself in time, the slave destroys it, and must be able to say so.
        stopping: (deadlines.stoppingMinutes + 1) * minuteMs,
      },
    },
    scheduling: {
      ...defaultScheduling,
      policy: placement.policy,
      coreOvercommit: placement.coreOvercommit,
      hostRamMiB: placement.hostRamMiB,
      criticalShare: placement.criticalLimitPercent / 100,
    },
    liveness: { suspectAfterMs: fleet.suspectAfterSeconds * secondMs, lostAfterMs: fleet.lostAfterSeconds * secondMs },
    heartbeatMs: fleet.heartbeatSeconds * secondMs,
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
    },
    sessionLifetime: { idleMs: config.sessions.idleMinutes * minuteMs, absoluteMs: config.sessions.absoluteHours * 60 * minuteMs },
    largestUploadBytes: Math.floor(config.uploads.maxGiB * 1024 ** 3),
  };
}
