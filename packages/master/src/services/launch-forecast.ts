import type { Instance } from '@paravcl/shared/domain/instance';
import type { Clock, EpochMs } from '@paravcl/shared/clock';
import type { Principal } from '@paravcl/shared/domain/people';
import { ParavclError } from '@paravcl/shared/errors';
import { newId } from '@paravcl/shared/ids';
import { priorityOf, type PriorityParts } from '@paravcl/shared/priority';
import { askForLess, noHourSentence, riskSentence, tooLargeSentence } from '../core/explain';
import { chooseMinutes } from '../core/instance-time';
import { keptLongest, outlook, type Outlook } from '../core/outlook';
import { usageTerm } from '../core/past-usage';
import { withUsage } from '../core/queue-terms';
import { roomFor, type Snapshot, type WaitingInstance } from '../core/snapshot';
import type { UnitOfWork } from '../db/unit-of-work';
import type { Repositories } from '../repositories/repositories';
import type { InstanceSettings, Quotas, SchedulingSettings } from './instance-settings';
import { requireMinutes, resolveLaunch, type Launch } from './launch-request';
import type { Participation } from './participation';
import { requireQuota } from './quota-check';
import { requestFactors, type PriorityRules } from './request-priority';
import { freeHomeMiB } from './home-content';
import type { WorkingWorld } from './working-world';
import { waitingInstances } from './world-loader';

export interface LaunchForecastDeps {
  readonly world: Pick<WorkingWorld, 'now'>;
  readonly scheduling: SchedulingSettings;
  readonly unitOfWork: UnitOfWork;
  readonly clock: Clock;
  readonly settings: InstanceSettings;
  readonly priority: PriorityRules;
  readonly participation: Pick<Participation, 'wouldTakePart'>;
  readonly quotas: Quotas;
}

/** What somebody is thinking of launching. */
export interface LaunchQuery {
  /** Exactly one of these three. */
  readonly imageId?: string | undefined;
  readonly familyId?: string | undefined;
  readonly templateId?: string | undefined;
  readonly vcpus?: number | undefined;
  readonly ramMiB?: number | undefined;
  readonly diskMiB?: number | undefined;
  readonly bandwidthMbps?: number | undefined;
  readonly minSpeed?: number | undefined;
  /** For how long; absent it is the template's time, else the site's default. */
  readonly minutes?: number | undefined;
  readonly asSlave?: boolean | undefined;
}

export interface LaunchOptions {
  readonly fitsNow: boolean;
  /** Of a launch for the time that was asked about. */
  readonly priority: PriorityParts;
  readonly options: { minutes: number; end: string; priority: PriorityParts }[];
  readonly risk: string;
  readonly keptFrom: string | null;
  readonly sentence: string | null;
}

const hourMinutes = 60;

/** What a launch has to expect of the pool and of coming reservations, before it is asked for and when it was. */
export class LaunchForecast {
  constructor(private readonly deps: LaunchForecastDeps) {}

  /**
   * What the scheduler would do with it now, beside all who wait already; and hours that coming reservations leave room for, with
   * the priority each has, and what it risks. Throws `not-found`, `invalid-input`, `image-not-ready`.
   */
  async options(principal: Principal, query: LaunchQuery): Promise<LaunchOptions> {
    const { unitOfWork, clock, settings, scheduling, priority } = this.deps;
    const { min, max } = settings.minutes;
    const at = clock.now();
    const hours = Array.from({ length: Math.floor(max / hourMinutes) }, (_, index) => (index + 1) * hourMinutes).filter((minutes) => minutes >= min);
    const queue = await unitOfWork.read.instances.queue();
    const world = await this.deps.world.now(at, queue.map(({ id }) => id));
    return unitOfWork.transaction(async (repositories) => {
      const launch = await resolveLaunch(repositories, query, principal, settings.defaults);
      const asker = { who: principal, image: launch.image, reservationGroupId: null, asSlave: query.asSlave === true };
      const factors = await requestFactors(repositories, asker, priority, at);
      const partsFor = (minutes: number): PriorityParts => priorityOf({ ...factors, ramMiB: launch.ramMiB, minutes }, priority.formula);
      const minutes = forecastMinutes(principal, query.minutes ?? launch.minutes ?? undefined, settings.minutes);
      const parts = partsFor(minutes ?? priority.endlessMinutes);
      const attempts = await repositories.placements.attempts(queue.map(({ id }) => id));
      const others = waitingInstances(queue, attempts, world, scheduling, at);
      const homeMiB = await freeHomeMiB(repositories, principal.userId, settings.homeMiB);
      const wanted: WaitingInstance = { ...unplaced(newId(at), principal.userId, at), need: roomFor({ ...launch, homeMiB }), homeMiB, priority: withUsage(parts, usageTerm(world.pastUsage, { userId: principal.userId, groupId: null }, scheduling.usage, at)), runMs: minutes === null ? null : minutes * 60_000 };
      const seen = outlook(world.snapshot, wanted, others, scheduling, at, { times: hours, longestMs: max * 60_000 });
      return {
        fitsNow: seen.decision?.kind === 'place',
        priority: parts,
        options: seen.minutes.map((each) => ({ minutes: each, end: new Date(at + each * 60_000).toISOString(), priority: partsFor(each) })),
        risk: this.riskOf(seen.kept, at),
        keptFrom: seen.kept === null ? null : new Date(seen.kept.recalledAt).toISOString(),
        sentence: await this.sentenceOf(repositories, principal, { ...query, launch }, this.missing(seen, wanted, world.snapshot, at), at),
      };
    });
  }

  /** What one should know who has just launched this; empty when nothing threatens it. */
  async risk(instance: Instance): Promise<readonly string[]> {
    if (instance.type === 'AR' || instance.desired !== 'running') return [];
    const at = this.deps.clock.now();
    const { snapshot } = await this.deps.world.now(at, []);
    const { slaveId } = instance;
    // It may be placed already: its own room is not in its way.
    const slaves = slaveId === null ? snapshot.slaves : snapshot.slaves.filter(({ id }) => id === slaveId).map((slave) => ({ ...slave, running: slave.running.filter(({ id }) => id !== instance.id) }));
    const wanted: WaitingInstance = {
      ...unplaced(instance.id, instance.userId, at),
      need: roomFor(instance),
      priority: instance.priority,
      runMs: instance.minutes === null ? null : instance.minutes * 60_000,
      boundTo: slaveId,
    };
    const sentence = this.riskOf(keptLongest({ ...snapshot, slaves }, wanted, at, wanted.runMs), at);
    return sentence === '' ? [] : [sentence];
  }

  /** Why a launch would be refused, else why it has to wait; with the opt-out that it would spend. */
  private async sentenceOf(repositories: Repositories, principal: Principal, { launch, minutes, asSlave }: Refusable, missing: string | null, at: EpochMs): Promise<string | null> {
    const { participation, quotas, settings } = this.deps;
    const { vcpus, ramMiB, diskMiB } = launch;
    try {
      requireMinutes(principal, minutes ?? launch.minutes ?? undefined, settings.minutes);
      const warnings = await participation.wouldTakePart(repositories, principal, asSlave === true, at);
      const groupId = (await repositories.users.find(principal.userId))?.primaryGroupId ?? null;
      const groupName = groupId === null ? null : ((await repositories.groups.find(groupId))?.name ?? null);
      await requireQuota(repositories, { ...principal, groupId, groupName }, { instances: 1, vcpus, ramMiB, diskMiB }, quotas);
      const said = [missing, ...warnings].filter((sentence) => sentence !== null);
      return said.length === 0 ? null : said.join(' ');
    } catch (error) {
      if (error instanceof ParavclError) return error.message;
      throw error;
    }
  }

  private riskOf(kept: Outlook['kept'], at: EpochMs): string {
    const { ordering, rules } = this.deps.scheduling;
    return riskSentence(kept, ordering.name === 'para', rules, at);
  }

  /** Told when there is not enough room now, or none for an hour. */
  private missing({ decision, minutes, kept }: Outlook, wanted: WaitingInstance, { slaves }: Snapshot, at: EpochMs): string | null {
    switch (decision?.kind) {
      case undefined:
        return null;
      case 'place':
      case 'resume':
        return minutes.length > 0 || kept === null ? null : noHourSentence(kept, this.deps.scheduling.rules, at);
      case 'preempt':
      case 'queue':
      case 'refuse':
        // There is nothing yet that one could delete.
        return decision.reason.code === 'NoSlaveFits' || decision.reason.code === 'TooSlow' ? `${tooLargeSentence(slaves, wanted)} ${askForLess(slaves, wanted)}` : decision.reason.sentence;
    }
  }
}

/** What a launch is asked to be, as far as it can be refused for it. */
interface Refusable {
  readonly launch: Launch;
  readonly minutes?: number | undefined;
  readonly asSlave?: boolean | undefined;
}

/** The time to look at; the site's default where the wish would be refused, which is said beside it. */
function forecastMinutes({ role }: Principal, wished: number | undefined, limits: InstanceSettings['minutes']): number | null {
  const chosen = chooseMinutes(wished, limits, role === 'operator' || role === 'admin');
  return chosen.kind === 'chosen' ? chosen.minutes : limits.default;
}

function unplaced(id: string, userId: string, at: number): Omit<WaitingInstance, 'need' | 'priority' | 'runMs'> {
  return { id, name: 'It', type: 'BE', userId, groupId: null, generation: 1, createdAt: at, waitsSince: at, attempts: [], boundTo: null, nominatedTo: null, booking: null, spared: false, reason: null };
}
