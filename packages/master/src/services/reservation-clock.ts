import type { EpochMs } from '@paravcl/shared/clock';
import { holdingReservationStates, type ReservationState } from '@paravcl/shared/domain/reservation';
import type { ReservationRecord } from '../core/reservation-record';
import { machines, saidAtRisk, standingSentence } from '../core/reservation-standing';
import { tellMoment } from '../core/tell-time';
import type { Repositories } from '../repositories/repositories';
import type { ReservationSettings } from './instance-settings';
import { becomeBestEffort, stillToEnd } from './reservation-instances';
import { answerable, claimants, tellPeople } from './reservation-people';
import { ownerOf } from './reservation-wish';

/** After its end, instances that nobody could be told to save are let go all the same, so that a reservation is over one day. */
const patienceMs = 60_000;

/** What the clock makes of reservations. Each step holds only while the state is the one that was seen, and each is right however late it comes. */
export class ReservationClock {
  constructor(
    private readonly settings: ReservationSettings,
    private readonly noShowGraceMs: number,
  ) {}

  /**
   * Does what is due for a reservation, whose row is locked: nobody claims from it or changes its window meanwhile.
   * Null when nothing is due, or when its end has still to wait for its instances.
   */
  async follow(repositories: Repositories, reservation: ReservationRecord, now: EpochMs): Promise<ReservationRecord | null> {
    const { id, state, start, end } = reservation;
    if (!holdingReservationStates.includes(state)) return null;
    if (end <= now) return this.end(repositories, reservation, now);
    if (state === 'confirmed' && start <= now) return this.begin(repositories, reservation, now);
    // A window that opened late, because the master was away, has its whole grace.
    if (state !== 'active' || Math.max(start, reservation.changedAt) + this.noShowGraceMs > now) return null;
    const claimed = (await repositories.bookings.ofReservations([id])).some(({ instanceId }) => instanceId !== null);
    return claimed ? null : this.noShow(repositories, reservation, now);
  }

  /** Its window is open: whoever may claim is told. Null when somebody was faster. */
  async begin(repositories: Repositories, before: ReservationRecord, now: EpochMs): Promise<ReservationRecord | null> {
    const after = await this.enter(repositories, before, 'active', now);
    if (after === null) return null;
    const { name, rules } = await ownerOf(repositories, before, this.settings);
    const sentence = `${name} has ${machines(before.count)} until ${tellMoment(before.end, rules.timeZone, now)}: claim one now. What nobody has claimed is lent to others from ${tellMoment(before.start + this.noShowGraceMs, rules.timeZone, now)} on, and comes back when you claim it.`;
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
    for (const { id } of instances) await becomeBestEffort(repositories, id);
    const sentence =
      before.state === 'confirmed'
        ? `${after.sentence} Nobody could claim: the site was not running then. Reserve again if you still need it.`
        : `${after.sentence} What ran in it is saved; resume it as best-effort, or in another reservation.`;
    await tellPeople(repositories, await answerable(repositories, before), before, { kind: 'reservation.ended', sentence, decisionId: null }, now);
    return after;
  }

  private async enter(repositories: Repositories, before: ReservationRecord, state: ReservationState, now: EpochMs): Promise<ReservationRecord | null> {
    const { name, rules } = await ownerOf(repositories, before, this.settings);
    const sentence = state === 'active' && saidAtRisk(before) ? before.sentence : standingSentence({ ...before, state }, name, rules.timeZone, now);
    const change = { state, sentence, changedAt: now };
    return (await repositories.reservations.change(before.id, before.state, change)) ? { ...before, ...change } : null;
  }
}
