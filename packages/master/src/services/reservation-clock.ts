import type { EpochMs } from '@paravcl/shared/clock';
import { holdingReservationStates, type ReservationState } from '@paravcl/shared/domain/reservation';
import type { InstanceRecord } from '../core/instance-record';
import type { ReservationRecord } from '../core/reservation-record';
import { machines, standingSentence } from '../core/reservation-standing';
import type { Rules } from '../core/snapshot';
import { tellMoment } from '../core/tell-time';
import type { Repositories } from '../repositories/repositories';
import type { BestEffortRules } from './best-effort-priority';
import type { InstanceSettings, ReservationSettings } from './instance-settings';
import { endWithWindow, stillToEnd } from './reservation-instances';
import { answerable, claimants, tellPeople } from './reservation-people';
import { ownerOf } from './reservation-wish';

/** After its end, instances that nobody could be told to save are let go all the same, so that a reservation is over one day. */
const patienceMs = 60_000;

export interface ReservationClockDeps {
  readonly reservations: ReservationSettings;
  readonly settings: Pick<InstanceSettings, 'deadlinesMs'>;
  readonly scheduling: { readonly rules: Pick<Rules, 'noShowGraceMs'> };
  readonly priority: BestEffortRules;
}

/** What the clock makes of reservations. Each step holds only while the state is the one that was seen, and each is right however late it comes. */
export class ReservationClock {
  constructor(private readonly deps: ReservationClockDeps) {}

  /** Those it may be time for something for; the others are not even looked at. */
  due(repositories: Repositories, now: EpochMs): Promise<readonly ReservationRecord[]> {
    return repositories.reservations.due(now, this.deps.scheduling.rules.noShowGraceMs);
  }

  /**
   * Does what is due for a reservation, whose row is locked: nobody claims from it or changes its window meanwhile.
   * Null when nothing is due, or when its end has still to wait for its instances.
   */
  async follow(repositories: Repositories, reservation: ReservationRecord, now: EpochMs): Promise<ReservationRecord | null> {
    const { id, state, start, end } = reservation;
    if (!holdingReservationStates.includes(state)) return null;
    if (end <= now) return this.end(repositories, reservation, now);
    if (state === 'confirmed' && start <= now) return this.begin(repositories, reservation, now);
    // From then on its room is lent, however late it was seen to begin.
    if (state !== 'active' || this.lentFrom(start) > now) return null;
    const claimed = (await repositories.bookings.ofReservations([id])).some(({ instanceId }) => instanceId !== null);
    return claimed ? null : this.noShow(repositories, reservation, now);
  }

  /** Its window is open: whoever may claim is told. Null when somebody was faster. */
  async begin(repositories: Repositories, before: ReservationRecord, now: EpochMs): Promise<ReservationRecord | null> {
    const after = await this.enter(repositories, before, 'active', now);
    if (after === null) return null;
    const { name, rules } = await ownerOf(repositories, before, this.deps.reservations);
    const from = this.lentFrom(before.start);
    const lent = from > now ? `is lent to others from ${tellMoment(from, rules.timeZone, now)} on` : 'is lent to others';
    const sentence = `${name} has ${machines(before.count)} until ${tellMoment(before.end, rules.timeZone, now)}: claim one now. What nobody has claimed ${lent}, and comes back when you claim it.`;
    await tellPeople(repositories, await claimants(repositories, before), before, { kind: 'reservation.begun', sentence, decisionId: null }, now);
    return after;
  }

  /** Nobody came within the grace: its room is lent. */
  private async noShow(repositories: Repositories, before: ReservationRecord, now: EpochMs): Promise<ReservationRecord | null> {
    const after = await this.enter(repositories, before, 'no-show', now);
    if (after !== null) await tellPeople(repositories, await answerable(repositories, before), before, { kind: 'reservation.no-show', sentence: after.sentence, decisionId: null }, now);
    return after;
  }

  /** Its first claim after that. */
  comeBack(repositories: Repositories, before: ReservationRecord, now: EpochMs): Promise<ReservationRecord | null> {
    return this.enter(repositories, before, 'active', now);
  }

  /**
   * Its window is over: its instances are nobody's reserved machines any more, as soon as they are on their way to be
   * saved (their time ended with it). Null while that is still to come, and when somebody was faster.
   */
  private async end(repositories: Repositories, before: ReservationRecord, now: EpochMs): Promise<ReservationRecord | null> {
    const instances = await repositories.instances.ofReservation(before.id);
    if (now < before.end + patienceMs && instances.some((instance) => stillToEnd(instance, now))) return null;
    const after = await this.enter(repositories, before, 'expired', now);
    if (after === null) return null;
    const { timeZone } = (await ownerOf(repositories, before, this.deps.reservations)).rules;
    const { priority: rules, settings } = this.deps;
    for (const { id } of instances) await endWithWindow(repositories, id, { rules, context: { by: 'time', now, settings } }, tellMoment(before.end, timeZone, now));
    const sentence = `${after.sentence} ${whatCameOfIt(before, instances)}`;
    await tellPeople(repositories, await answerable(repositories, before), before, { kind: 'reservation.ended', sentence, decisionId: null }, now);
    return after;
  }

  private lentFrom(start: EpochMs): EpochMs {
    return start + this.deps.scheduling.rules.noShowGraceMs;
  }

  private async enter(repositories: Repositories, before: ReservationRecord, state: ReservationState, now: EpochMs): Promise<ReservationRecord | null> {
    const { name, rules } = await ownerOf(repositories, before, this.deps.reservations);
    // That it is at risk says more than that it has begun.
    const sentence = state === 'active' && before.state === 'confirmed' && before.atRisk ? before.sentence : standingSentence({ ...before, state }, name, rules.timeZone, now);
    const change = { state, sentence, changedAt: now };
    return (await repositories.reservations.change(before.id, before.state, change)) ? { ...before, ...change } : null;
  }
}

function whatCameOfIt({ state }: ReservationRecord, instances: readonly InstanceRecord[]): string {
  if (state === 'confirmed') return 'Nobody could claim: the site was not running then. Reserve again if you still need it.';
  const ran = instances.some(({ slaveId, queuedAt, observed }) => slaveId !== null && queuedAt === null && observed !== 'failed');
  return ran ? 'What ran in it is saved; resume it as best-effort, or in another reservation.' : 'Nothing ran in it.';
}
