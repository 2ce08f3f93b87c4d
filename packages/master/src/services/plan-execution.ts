import type { Clock, EpochMs } from '@paravcl/shared/clock';
import type { Reason } from '@paravcl/shared/domain/reasons';
import { newId } from '@paravcl/shared/ids';
import { decisionOf, decisionOfLeaving, decisionOfRecall, type DecisionBody } from '../core/decision-of-plan';
import { saysWhyItGaveWay, type InstanceRecord } from '../core/instance-record';
import { endAfter } from '../core/instance-time';
import { nextGeneration } from '../core/next-generation';
import type { Decision, Leaving, Policies, Recalled } from '../core/plan';
import { preemptionsToday, siteDay } from '../core/preemption-day';
import { tellMoment } from '../core/tell-time';
import type { UnitOfWork } from '../db/unit-of-work';
import type { InstanceChange } from '../repositories/instance-repository';
import type { Repositories } from '../repositories/repositories';
import { desiredStates, tombstone } from './desired-state';
import { shareCalendar } from './calendar-lock';
import { changeInstance } from './instance-changes';
import type { InstanceSettings, SchedulingSettings } from './instance-settings';
import { tell } from './notice-service';
import type { AgentPort } from './ports';
import { missingRoom } from './room-check';
import { remainingMs } from './world-loader';

export interface PlanExecutionDeps {
  readonly unitOfWork: UnitOfWork;
  readonly agents: Pick<AgentPort, 'pushDesired'>;
  readonly clock: Clock;
  readonly settings: InstanceSettings;
  readonly scheduling: SchedulingSettings;
  readonly onFault: (error: unknown) => void;
}

/** What a round's decisions were made of. */
export interface RoundFacts {
  /** Those who wait and those who hold cores, as loaded: a decision holds only while they are still so. */
  readonly records: ReadonlyMap<string, InstanceRecord>;
  readonly slaveNames: ReadonlyMap<string, string>;
  readonly at: EpochMs;
  /** The calendar's value from before the world was loaded: what was reserved since is not in the plan. */
  readonly calendar: string | null;
  /** Keeps the round's inputs, once, and answers their hash. Asked before a transaction is opened: it needs a connection of its own. */
  readonly keepInputs: () => Promise<string>;
}

/** With the inputs kept. */
type KeptFacts = RoundFacts & { readonly inputsHash: string };

/** The world moved on since it was loaded: nothing of the decision was written. */
class Stale extends Error {}

/** What a slave has to be told once the transaction is there. */
interface Told {
  readonly push: readonly InstanceRecord[];
  readonly tombstones: readonly { readonly slaveId: string; readonly instanceId: string; readonly generation: number }[];
}

const nothing: Told = { push: [], tombstones: [] };

/**
 * Carries out what a plan decided: each decision in one transaction that holds only if the instances it is about are
 * still as the plan saw them, with its record, its notices and its history, and then told to the slaves. What is lost
 * between commit and push is told again at the slave's next hello and by the resend job.
 */
export class PlanExecution {
  constructor(private readonly deps: PlanExecutionDeps) {}

  /** False when the decision is stale: plan again. */
  async decide(decision: Decision, facts: RoundFacts): Promise<boolean> {
    switch (decision.kind) {
      case 'place':
        return this.commit(facts, (repositories, kept) => this.place(repositories, decision, kept));
      case 'resume':
        return this.commit(facts, (repositories, kept) => this.resume(repositories, decision, kept));
      case 'preempt':
        return this.commit(facts, (repositories, kept) => this.preempt(repositories, decision, kept));
      case 'queue':
        return this.say(decision, facts, { observed: 'queued', nominatedSlaveId: decision.nominatedTo });
      case 'refuse':
        return this.say(decision, facts, { observed: 'failed', nominatedSlaveId: null });
    }
  }

  recall(recalled: Recalled, facts: RoundFacts): Promise<boolean> {
    return this.commit(facts, async (repositories, kept) => {
      await this.nobodyReserves(repositories, facts);
      await this.record(repositories, decisionOfRecall(recalled, this.policies), await this.ownerOfReservation(repositories, recalled.booking.reservationId), kept);
      const told: Told[] = [];
      for (const victim of recalled.victims) told.push(await this.sendAway(repositories, recalled.slaveId, victim, { code: 'Recalled', decision: null }, kept));
      return joined(told);
    });
  }

  private get policies(): Policies {
    return this.deps.scheduling;
  }

  private async commit(facts: RoundFacts, work: (repositories: Repositories, kept: KeptFacts) => Promise<Told>): Promise<boolean> {
    const { unitOfWork, agents, settings, onFault } = this.deps;
    const kept = { ...facts, inputsHash: await facts.keepInputs() };
    let told: Told;
    try {
      told = await unitOfWork.transaction((repositories) => work(repositories, kept));
    } catch (error) {
      if (error instanceof Stale) return false;
      throw error;
    }
    for (const { slaveId, instanceId, generation } of told.tombstones) agents.pushDesired(slaveId, [tombstone(instanceId, generation)]);
    for (const instance of told.push) {
      if (instance.slaveId !== null) agents.pushDesired(instance.slaveId, await desiredStates(unitOfWork.read, [instance], settings.guestUser, onFault));
    }
    return true;
  }

  private async place(repositories: Repositories, decision: Extract<Decision, { kind: 'place' }>, facts: KeptFacts): Promise<Told> {
    const { slaveId, instance: { booking } } = decision;
    const now = this.deps.clock.now();
    await this.nobodyReserves(repositories, facts);
    const before = await this.unchanged(repositories, decision.instance.id, facts);
    if ((await repositories.fleet.lock(slaveId))?.admission !== 'approved') throw new Stale();
    // Somebody may have taken the room since the world was loaded: the slave's row is the lock for promises.
    if ((await missingRoom(repositories, slaveId, before, this.deps.scheduling, decision.instance.need.diskMiB)) !== null) throw new Stale();
    if (booking !== null && booking.slaveId !== slaveId) await this.moveSlot(repositories, booking.reservationId, before.id, slaveId);
    const generation = nextGeneration(before, await repositories.placements.ofInstance(before.id));
    await repositories.placements.insert({ instanceId: before.id, slaveId, generation, state: 'active' }, now);
    // What is reserved ends with its window, to the millisecond: the next one begins there.
    const endsAt = booking?.end ?? endAfter(before.minutes, now);
    // That slave has nothing of it, and so nothing that is to go.
    const after = await this.change(repositories, before, { observed: 'preparing', slaveId, generation, reason: null, endsAt, nominatedSlaveId: null, observedDiskEpoch: before.diskEpoch }, slaveId, facts);
    await this.record(repositories, decisionOf(decision, this.policies), before, facts);
    return { push: [after], tombstones: [] };
  }

  /**
   * What is reserved is decided from what is placed, and the other way round: nobody reserves while this is written, and
   * nobody has since the plan was made. Before any other lock.
   */
  private async nobodyReserves(repositories: Repositories, { calendar }: RoundFacts): Promise<void> {
    if ((await shareCalendar(repositories)) !== calendar) throw new Stale();
  }

  /** Its slot goes where it runs. Two that go to one slave at a time are both of this round, which has counted them. */
  private async moveSlot(repositories: Repositories, reservationId: string, instanceId: string, slaveId: string): Promise<void> {
    const slot = (await repositories.bookings.ofReservations([reservationId])).find((one) => one.instanceId === instanceId);
    if (slot === undefined) throw new Stale();
    await repositories.bookings.moveSlot(reservationId, slot.slot, slaveId);
  }

  private async resume(repositories: Repositories, decision: Extract<Decision, { kind: 'resume' }>, facts: KeptFacts): Promise<Told> {
    const { slaveId, instance: { booking } } = decision;
    const now = this.deps.clock.now();
    await this.nobodyReserves(repositories, facts);
    const before = await this.unchanged(repositories, decision.instance.id, facts);
    if ((await missingRoom(repositories, slaveId, before, this.deps.scheduling, decision.instance.need.diskMiB)) !== null) throw new Stale();
    const generation = nextGeneration(before, await repositories.placements.ofInstance(before.id));
    const left = remainingMs(before);
    const endsAt = booking?.end ?? (left === null ? null : now + left);
    const waited = { queuedAt: null, queuedBecause: null, nominatedSlaveId: null };
    const after = await this.change(repositories, before, { desired: 'running', stopForced: false, generation, reason: null, endsAt, ...waited }, slaveId, facts);
    const decisionId = await this.record(repositories, decisionOf(decision, this.policies), before, facts);
    if (before.queuedBecause === 'preempted') {
      const { id, userId } = before;
      await tell(repositories, { userId, kind: 'instance.resumed', subjectType: 'instance', subjectId: id, sentence: decision.sentence, decisionId }, now);
    }
    return { push: [after], tombstones: [] };
  }

  private async preempt(repositories: Repositories, decision: Extract<Decision, { kind: 'preempt' }>, facts: KeptFacts): Promise<Told> {
    const { slaveId, instance, victims, reason } = decision;
    // A reservation that was cancelled, a slave that is drained since: nobody is sent away in vain.
    await this.nobodyReserves(repositories, facts);
    if ((await repositories.fleet.lock(slaveId))?.admission !== 'approved') throw new Stale();
    const before = await this.unchanged(repositories, instance.id, facts);
    await this.record(repositories, decisionOf(decision, this.policies), before, facts);
    await this.change(repositories, before, { ...(before.queuedAt === null ? { observed: 'queued' } : {}), ...(saysWhyItGaveWay(before) ? {} : { reason }), nominatedSlaveId: slaveId }, null, facts);
    const code = instance.type === 'AR' ? 'Recalled' : 'LowerPriority';
    const told: Told[] = [];
    for (const victim of victims) told.push(await this.sendAway(repositories, slaveId, victim, { code, decision }, facts));
    return joined(told);
  }

  /**
   * One that has to go: saved with everything open and put into the queue to come back, with its time standing still;
   * one that has not started yet goes back to the queue at once; one whose time is nearly over just ends.
   */
  private async sendAway(
    repositories: Repositories,
    slaveId: string,
    victim: Leaving,
    why: { readonly code: Reason['code']; readonly decision: Decision | null },
    facts: KeptFacts,
  ): Promise<Told> {
    const { clock, scheduling } = this.deps;
    const { timeZone, shortestLoanMs } = scheduling.rules;
    const now = clock.now();
    const before = await this.unchanged(repositories, victim.instance.id, facts);
    const generation = nextGeneration(before, await repositories.placements.ofInstance(before.id));
    const unstarted = before.observed === 'preparing' && !before.booted;
    const nearlyOver = !unstarted && before.endsAt !== null && before.endsAt - now <= shortestLoanMs;
    const reason: Reason = nearlyOver
      ? { code: 'TimeEnded', sentence: `${before.name} is saved a little early: its time is over at ${tellMoment(before.endsAt, timeZone, now)}, and its room is needed by then. Resume it to go on.` }
      : { code: why.code, sentence: victim.sentence };
    const decisionId = await this.record(repositories, { ...decisionOfLeaving(victim, why.decision, this.policies), sentence: reason.sentence }, before, facts);
    const kind = nearlyOver ? 'instance.time-ended' : 'instance.preempted';
    await tell(repositories, { userId: before.userId, kind, subjectType: 'instance', subjectId: before.id, sentence: reason.sentence, decisionId }, now);
    const counted = nearlyOver ? {} : { preemptions: preemptionsToday(before, now, timeZone) + 1, preemptedOn: siteDay(now, timeZone) };
    if (unstarted) {
      await repositories.placements.clean(before.id, slaveId, generation, null);
      await this.change(repositories, before, { observed: 'queued', slaveId: null, generation, reason, endsAt: null, ...counted }, slaveId, facts);
      return { push: [], tombstones: [{ slaveId, instanceId: before.id, generation }] };
    }
    const after = await this.change(repositories, before, { desired: 'suspended', generation, reason, ...(nearlyOver ? {} : { queuedAt: now, queuedBecause: 'preempted' as const, waitsSince: waitsSinceAgain(before, now) }), ...counted }, slaveId, facts);
    return { push: [after], tombstones: [] };
  }

  /** Says why one waits or was given up; recorded as a decision when the reason is another one. */
  private async say(decision: Extract<Decision, { kind: 'queue' | 'refuse' }>, facts: RoundFacts, wish: Pick<InstanceChange, 'observed' | 'nominatedSlaveId'>): Promise<boolean> {
    const { reason } = decision;
    const seen = facts.records.get(decision.instance.id);
    if (seen === undefined) return true;
    // What is saved or off stays what it is while it waits to go on.
    const bound = seen.queuedAt !== null;
    const observed = bound ? seen.observed : (wish.observed ?? seen.observed);
    // Why and until when it was suspended says more than what it waits for now; the queue tells that.
    const keepsWhy = saysWhyItGaveWay(seen);
    const nominatedSlaveId = wish.nominatedSlaveId ?? null;
    const same = seen.observed === observed && (keepsWhy || seen.reason?.code === reason.code) && seen.nominatedSlaveId === nominatedSlaveId;
    if (same && (keepsWhy || seen.reason?.sentence === reason.sentence)) return true;
    return this.commit(facts, async (repositories, kept) => {
      const before = await this.unchanged(repositories, seen.id, facts);
      // The master itself answers for an instance that no slave holds.
      const answered = decision.kind === 'refuse' && !bound ? { observedGeneration: before.generation } : {};
      await this.change(repositories, before, { ...(observed === before.observed ? {} : { observed }), nominatedSlaveId, ...(keepsWhy ? {} : { reason }), ...answered }, null, facts);
      if (!same) await this.record(repositories, decisionOf(decision, this.policies), before, kept);
      return nothing;
    });
  }

  /** Locked, and still as the plan saw it; throws Stale otherwise. */
  private async unchanged(repositories: Repositories, id: string, facts: RoundFacts): Promise<InstanceRecord> {
    const seen = facts.records.get(id);
    const current = await repositories.instances.lock(id);
    if (seen === undefined || current === null) throw new Stale();
    const same = current.generation === seen.generation && current.observed === seen.observed && current.desired === seen.desired && current.queuedAt === seen.queuedAt && current.type === seen.type;
    if (!same) throw new Stale();
    return current;
  }

  private async change(repositories: Repositories, before: InstanceRecord, wish: InstanceChange, slaveId: string | null, facts: RoundFacts): Promise<InstanceRecord> {
    const slaveName = slaveId === null ? null : (facts.slaveNames.get(slaveId) ?? null);
    const after = await changeInstance(repositories, before, wish, { by: 'scheduler', now: this.deps.clock.now(), slaveName, settings: this.deps.settings });
    if (after === null) throw new Stale();
    return after;
  }

  private async record(repositories: Repositories, body: DecisionBody, owner: { readonly userId: string; readonly groupId: string | null }, { inputsHash }: KeptFacts): Promise<string> {
    const now = this.deps.clock.now();
    const id = newId(now);
    const { userId, groupId } = owner;
    await repositories.decisions.insert({ id, at: new Date(now).toISOString(), ...body, inputsHash, userId, groupId });
    return id;
  }

  private async ownerOfReservation(repositories: Repositories, id: string): Promise<{ readonly userId: string; readonly groupId: string | null }> {
    const reservation = await repositories.reservations.find(id);
    if (reservation === null) throw new Stale();
    return reservation;
  }
}

/** What it waited before it began to run counts on: its time in the queue was not what was asked of it. */
function waitsSinceAgain({ waitsSince, createdAt, changedAt }: InstanceRecord, now: EpochMs): EpochMs {
  return Math.min(now, (waitsSince ?? createdAt) + Math.max(0, now - changedAt));
}

function joined(told: readonly Told[]): Told {
  return { push: told.flatMap(({ push }) => push), tombstones: told.flatMap(({ tombstones }) => tombstones) };
}
